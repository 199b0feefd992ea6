package proxy

// An ending is what ended a connection.
type ending uint8

const (
	endedOpen     ending = iota // it has not ended
	endedByClient               // the client closed it
	endedByApp                  // the app closed it
	endedDrain                  // the client was asked to disconnect, and everything was answered
	endedIdle                   // it was idle at the end of the hold
	endedRefused                // we answered: invalid framing, or the app did not accept
	endedCut                    // it was cut at the hold's maximum or at exit
	endings                     // the number of endings
)

var endingNames = [endings]string{"open", "client", "app", "drain", "idle", "refused", "cut"}

func (e ending) String() string { return endingNames[e] }
