package lifecycle

import (
	"lameduck/lifecycle/waitroom"
)

// defaultMaxWaiters is the default of Config.MaxWaiters. A pod has few containers, but anybody on
// the network may call.
const defaultMaxWaiters = 1024

// maxDrainWaiters is the limit for POST /drain?wait, which only the pod can call.
const maxDrainWaiters = 16

// newHooks returns the room for the callers of /hold: the app's preStop hook, which a kubelet calls
// without a time limit, ignoring the status (lifecycle/handlers.go, runHTTPHandler). They wait up
// to the hook window for a drain to begin, and in a drain for its hold to end. A second caller,
// such as a kubelet that was restarted, waits beside the first.
func (l *Lifecycle) newHooks() *waitroom.Room {
	return waitroom.New(waitroom.Config{
		Limit:    l.config.MaxWaiters,
		Window:   l.config.HookWindow,
		Expired:  waitroom.Line("serving"),
		Released: waitroom.Line("drained"),
	})
}

// newDrainWaiters returns the room for the callers of POST /drain?wait.
func (l *Lifecycle) newDrainWaiters() *waitroom.Room {
	return waitroom.New(waitroom.Config{
		Limit:  maxDrainWaiters,
		Window: -1,
		Released: func() waitroom.Response {
			return waitroom.Response{ContentType: "application/json", Body: string(l.statusJSON())}
		},
	})
}
