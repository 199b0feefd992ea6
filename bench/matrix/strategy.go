package main

import (
	"fmt"
	"time"

	"lameduck/bench/matrix/record"
	"lameduck/bench/trial"
)

// strategy is the strategy of a cell's pods: a trial.Strategy with its usual app.
type strategy struct {
	slug   string // the last part of a cell's name
	family record.Family
	trial  trial.Strategy
	app    trial.App
	// delay is the fixed time after which the app is stopped. It is zero for Lameduck.
	delay time.Duration
	hold  trial.Hold
	// program is the program that the strategy needs besides Lameduck and the app, or "".
	program string
	// name replaces the strategy's name if it is not empty.
	name string
}

// hold configures Lameduck like a user who does not know the load balancer.
var hold = trial.Hold{Min: time.Second, Quiet: 2 * time.Second}

// Lameduck and bare pods get an app that exits on SIGTERM. All others get an app with a graceful
// shutdown, which is the best case for them.

func bare() strategy {
	return strategy{slug: "bare", family: record.Bare, trial: trial.Bare(), app: trial.Abrupt()}
}

func graceful() strategy {
	return strategy{
		slug: "graceful", family: record.Graceful, trial: trial.Bare(), app: trial.Graceful(),
		name: "graceful app",
	}
}

func sleep(d time.Duration) strategy {
	return strategy{
		slug: fmt.Sprintf("sleep-%v", d), family: record.Sleep,
		trial: trial.PreStopSleep(d), app: trial.Graceful(), delay: d,
	}
}

func native(h trial.Hold) strategy {
	return behindLameduck("native", record.Lameduck, trial.NativeSidecar(h), h)
}

func plain(h trial.Hold) strategy {
	return behindLameduck("plain", record.Lameduck, trial.PlainContainer(h), h)
}

func wrapper(h trial.Hold) strategy {
	return behindLameduck("wrapper", record.Lameduck, trial.Wrapper(h), h)
}

func behindLameduck(slug string, f record.Family, s trial.Strategy, h trial.Hold) strategy {
	return strategy{slug: slug, family: f, trial: s, app: trial.Abrupt(), hold: h}
}

// lameducks returns all modes of Lameduck.
func lameducks() []strategy { return []strategy{native(hold), plain(hold), wrapper(hold)} }

// fixed is Lameduck with the same quiet time for every source.
func fixed(h trial.Hold) strategy {
	h.Risk = trial.AnyRisk
	return behindLameduck("fixed-"+h.Quiet.String(), record.Fixed, trial.NativeSidecar(h), h)
}

func caddy(d time.Duration) strategy   { return peer("caddy", trial.CaddySidecar(d), d) }
func haproxy(d time.Duration) strategy { return peer("haproxy", trial.HAProxySidecar(d), d) }
func traefik(d time.Duration) strategy { return peer("traefik", trial.TraefikSidecar(d), d) }

// queueProxy is Knative's queue-proxy, which waits for a fixed quiet time.
func queueProxy() strategy {
	return strategy{
		slug: "queue-proxy", family: record.Peer, trial: trial.QueueProxy(), app: trial.Graceful(),
		program: "queue-proxy",
	}
}

func peer(name string, s trial.Strategy, d time.Duration) strategy {
	return strategy{
		slug: fmt.Sprintf("%s-%v", name, d), family: record.Peer, trial: s, app: trial.Graceful(),
		delay: d, program: name,
	}
}
