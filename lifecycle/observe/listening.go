package observe

import (
	"slices"
	"time"

	"go.uber.org/zap"
)

// listenWait is how long an app may take to listen at its ports before that is logged. Most servers
// take seconds, and some on the JVM half a minute.
const listenWait = time.Minute

// WithoutListener returns the ports without a relay on which no process has listened yet, in order.
// It returns none while the sockets cannot be read.
func (o *Observer) WithoutListener() []uint16 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.withoutListenerLocked()
}

func (o *Observer) withoutListenerLocked() (numbers []uint16) {
	if o.blind {
		return nil
	}
	for number, p := range o.flows.ports {
		if p.Relay == 0 && !p.listened {
			numbers = append(numbers, number)
		}
	}
	slices.Sort(numbers)
	return numbers
}

// warnOfMissingListenersLocked logs, once for each port, that no process listens on it: the app may
// use another one, for whose connections no drain would wait.
func (o *Observer) warnOfMissingListenersLocked(now time.Duration) {
	if now < listenWait {
		return
	}
	for _, number := range o.withoutListenerLocked() {
		if p := o.flows.ports[number]; !p.warned {
			p.warned = true
			o.log.Warn("the app does not listen at an observed port, and drains do not wait for traffic at another one; "+
				"check LAMEDUCK_OBSERVE and the configuration of the app",
				zap.Uint16("port", number), zap.Duration("after", listenWait))
		}
	}
}
