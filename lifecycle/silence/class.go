package silence

// A Class is how the requests of a source reach this pod. The sources of one class lose their route
// at about the same time, so the silence of one is evidence about the others.
type Class uint8

// The classes, from the least to the most cautious. A source moves only to a more cautious one.
const (
	Direct   Class = iota // callers that reach the pod through kube-proxy or by its address
	Unknown               // connections whose requests are not seen: plain TCP, relayed TLS
	Proxy                 // load balancers and proxies
	Observed              // connections whose clients are not asked to disconnect
	classes
)

var classNames = [classes]string{"direct", "unknown", "proxy", "observed"}

func (c Class) String() string { return classNames[c] }

// Classes returns all classes.
func Classes() []Class { return []Class{Direct, Unknown, Proxy, Observed} }
