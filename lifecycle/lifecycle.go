package lifecycle

import (
	"os"
	"sync"
	"time"

	"go.uber.org/zap"

	"lameduck/lifecycle/waitroom"
)

// A Config configures a [Lifecycle]. The zero value drains without a hold.
type Config struct {
	Hold Hold
	// Grace is the time from the drain's start after which the process is killed. Zero means never.
	Grace time.Duration
	// HookWindow is how long /hold waits for a drain to begin. Zero means that it does not wait.
	HookWindow time.Duration
	// MaxWaiters bounds the callers of /hold that wait since before the drain began, and those that
	// came later. Zero means 1,024.
	MaxWaiters int
	// UnreadyAfter is the time from the drain's start after which readiness fails. Zero means at
	// Drained.
	UnreadyAfter time.Duration
	// FailsHealthChecks is set if the health checks of load balancers fail in a drain.
	FailsHealthChecks bool
	// TerminationLog is the file for the summary of the drain. Empty means none.
	TerminationLog string
	// Observed returns what was seen of connections that are not relayed. It is nil if none are
	// observed.
	Observed func() Observed
	// Bypassed returns how many connections have bypassed the relay. It is nil if that is not
	// watched.
	Bypassed func() uint64
	// NotListening returns the taken-over or observed ports on which the app has not listened yet. It
	// may be nil.
	NotListening func() []uint16
	// Log may be nil.
	Log *zap.Logger
}

// A Lifecycle takes one process from Serving to Stopped.
type Lifecycle struct {
	config Config
	log    *zap.Logger
	relay  Relay
	app    App
	policy Policy // of app

	request  chan struct{} // holds a value when a drain has been requested
	draining chan struct{} // closed when the phase is Draining or later
	drained  chan struct{} // closed when it is Drained or later

	hooks        *waitroom.Room // callers of /hold
	drainWaiters *waitroom.Room // callers of POST /drain?wait

	mu      sync.Mutex
	phase   Phase
	since   time.Time // when the drain began
	summary Summary
	native  bool // a stop signal says that the app has exited or the grace period is over
	appGone bool // the app has exited while draining

	escalated bool // readiness fails, see [Hold.Escalates]

	// spare is a descriptor for the termination log, for the time when the process has no others. It is
	// nil if there is none. Owned by Run.
	spare *os.File

	// Owned by Run.
	stopSignalSeen bool
	interrupts     int
	envoyWarned    bool
}

// New returns a Lifecycle in the phase Serving.
func New(config Config, relay Relay, app App) *Lifecycle {
	if config.Log == nil {
		config.Log = zap.NewNop()
	}
	if config.MaxWaiters == 0 {
		config.MaxWaiters = defaultMaxWaiters
	}
	l := &Lifecycle{
		config:   config,
		log:      config.Log,
		relay:    relay,
		app:      app,
		policy:   app.Policy(),
		request:  make(chan struct{}, 1),
		draining: make(chan struct{}),
		drained:  make(chan struct{}),
	}
	l.hooks, l.drainWaiters = l.newHooks(), l.newDrainWaiters()
	if config.TerminationLog != "" {
		l.spare, _ = os.Open(os.DevNull) // nil after an error
	}
	return l
}

func (l *Lifecycle) enter(p Phase) {
	l.mu.Lock()
	defer l.mu.Unlock()
	mustFollow(l.phase, p)
	l.phase = p
}

// begun is when the drain began.
func (l *Lifecycle) begun() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.since
}

// elapsed is the time since the drain's start.
func (l *Lifecycle) elapsed() time.Duration { return time.Since(l.begun()) }

func (l *Lifecycle) isNative() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.native
}

// Phase returns the current phase.
func (l *Lifecycle) Phase() Phase {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.phase
}

// RequestDrain begins the drain. Further requests have no effect. If native is set, this is a
// native sidecar: a stop signal means that the app has exited or the grace period is over.
func (l *Lifecycle) RequestDrain(native bool) {
	l.mu.Lock()
	l.native = l.native || native
	l.mu.Unlock()
	select {
	case l.request <- struct{}{}:
	default:
	}
}

// Drained is closed when the hold has ended.
func (l *Lifecycle) Drained() <-chan struct{} { return l.drained }

// Ready reports whether /readyz succeeds. Once the app has exited it fails even if a fallback
// serves, because kube-proxy routes to ready terminating endpoints when there are no others.
func (l *Lifecycle) Ready() bool {
	l.mu.Lock()
	phase, unready := l.phase, l.appGone || l.escalated
	l.mu.Unlock()
	switch phase {
	case Serving:
		return true
	case Draining:
		return !unready && (l.config.UnreadyAfter == 0 || l.elapsed() < l.config.UnreadyAfter)
	}
	return false
}
