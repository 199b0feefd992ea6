package takeover

import (
	"context"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"
)

// listenWait is how long an app may take to listen at its ports before that is logged. Most servers
// take seconds, and some on the JVM half a minute.
const listenWait = time.Minute

// Number returns the port as the app and its clients know it.
func (p *Port) Number() uint16 { return p.route.Port() }

// Listening reports whether the app has listened at the port.
func (p *Port) Listening() bool { return p.listening.Load() }

// WarnOfMissingListeners logs each port on which the app does not listen after a minute, with the
// ports that it has bound instead. It returns after that, or when ctx is done.
func (t *Takeover) WarnOfMissingListeners(ctx context.Context) {
	timer := time.NewTimer(listenWait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return
	case <-timer.C:
	}
	for _, p := range t.ports {
		if !p.Listening() {
			t.log.Warn("the app does not listen at its port; check LAMEDUCK_ROUTES and the configuration of the app",
				zap.Uint16("port", p.Number()), zap.Uint16s("bound_instead", t.others.list()),
				zap.Duration("after", listenWait))
		}
	}
}

// maxOthers bounds the ports that a warning names.
const maxOthers = 8

// others are TCP ports that the app has bound but that are not taken over. The zero value is empty.
type others struct {
	mu    sync.Mutex
	ports []uint16
}

// wants reports whether a port would be added.
func (o *others) wants(port uint16) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return port != 0 && len(o.ports) < maxOthers && !slices.Contains(o.ports, port)
}

func (o *others) add(port uint16) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ports = append(o.ports, port)
}

func (o *others) list() []uint16 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.ports)
}
