package observe

import "time"

// unseen is for kernels that do not report ends: connections that come and go between two dumps are
// seen in none. The namespace's counter of opened connections has them, at all ports together.
type unseen struct {
	counted bool   // the counter could be read
	others  uint64 // connections that have been opened and are not Lameduck's own
}

// countUnseenLocked records connections that the dump at now did not have. They are traffic from an
// unknown source, unless a probe explains them.
func (o *Observer) countUnseenLocked(now time.Duration) {
	if o.reported || o.config.Accepted == nil {
		return
	}
	own := o.config.Accepted() // first: one that is accepted in this moment counts as traffic
	opened, err := o.kernel.PassiveOpens()
	before := o.unseen
	o.unseen.others = opened - own
	// An emulated kernel may have the counter without incrementing it.
	o.unseen.counted = err == nil && (opened > 0 || len(o.flows.open) == 0)
	if !before.counted || !o.unseen.counted || o.unseen.others < before.others {
		return
	}
	for n := int64(o.unseen.others-before.others) - int64(o.flows.fresh); n > 0; n-- {
		if v := (visit{requested: now, ended: now}); !o.flows.isProbe(v) {
			o.flows.countTraffic(v)
		}
	}
}

// missesLocked reports whether connections may come and go without being noticed.
func (o *Observer) missesLocked() bool { return !o.reported && !o.unseen.counted }

// explainUnseen reports whether a probe of any port explains a connection of which nothing else is
// known.
func (f *flows) explainUnseen(now time.Duration) bool {
	for number := range f.ports {
		if f.probes.explain(number, now) {
			return true
		}
	}
	return false
}
