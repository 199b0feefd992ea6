package main

import (
	"fmt"
	"time"

	"lameduck/bench/matrix/record"
	"lameduck/bench/trial"
)

// way is how a pod of a cell ends: a strategy, and the app that it is usually given.
type way struct {
	slug     string // the last part of a cell's name
	family   record.Family
	strategy trial.Strategy
	app      trial.App
	// delay is the fixed time after which the app is stopped; for Lameduck it is zero.
	delay time.Duration
	hold  trial.Hold
	// program is what the strategy needs besides Lameduck and the app; empty: nothing.
	program string
	// name is shown in place of the strategy's where it is not empty.
	name string
}

// hold is how the cells' Lameduck is configured: as a user would who knows nothing of the load balancer.
var hold = trial.Hold{Min: time.Second, Quiet: 2 * time.Second}

// Lameduck is given the app that nobody changed, which dies on SIGTERM. All others but the bare one are given an app
// that ends as its framework advises, which is the best that they can do.

func bare() way {
	return way{slug: "bare", family: record.Bare, strategy: trial.Bare(), app: trial.Abrupt()}
}

func graceful() way {
	return way{slug: "graceful", family: record.Graceful, strategy: trial.Bare(), app: trial.Graceful(), name: "graceful app"}
}

func sleep(d time.Duration) way {
	return way{
		slug: fmt.Sprintf("sleep-%v", d), family: record.Sleep,
		strategy: trial.PreStopSleep(d), app: trial.Graceful(), delay: d,
	}
}

func native(h trial.Hold) way {
	return way{slug: "native", family: record.Lameduck, strategy: trial.NativeSidecar(h), app: trial.Abrupt(), hold: h}
}

func plain(h trial.Hold) way {
	return way{slug: "plain", family: record.Lameduck, strategy: trial.PlainContainer(h), app: trial.Abrupt(), hold: h}
}

func wrapper(h trial.Hold) way {
	return way{slug: "wrapper", family: record.Lameduck, strategy: trial.Wrapper(h), app: trial.Abrupt(), hold: h}
}

// lameducks are all modes of Lameduck.
func lameducks() []way { return []way{native(hold), plain(hold), wrapper(hold)} }

// fixed is Lameduck without its rule: the same quiet time for every source.
func fixed(h trial.Hold) way {
	h.Risk = trial.AnyRisk
	return way{
		slug: "fixed-" + h.Quiet.String(), family: record.Fixed, strategy: trial.NativeSidecar(h), app: trial.Abrupt(), hold: h,
	}
}

func caddy(d time.Duration) way   { return peer("caddy", trial.CaddySidecar(d), d) }
func haproxy(d time.Duration) way { return peer("haproxy", trial.HAProxySidecar(d), d) }
func traefik(d time.Duration) way { return peer("traefik", trial.TraefikSidecar(d), d) }

// queueProxy is Knative's, which waits for a quiet time of its own.
func queueProxy() way {
	return way{slug: "queue-proxy", family: record.Peer, strategy: trial.QueueProxy(), app: trial.Graceful(), program: "queue-proxy"}
}

func peer(name string, s trial.Strategy, d time.Duration) way {
	return way{
		slug: fmt.Sprintf("%s-%v", name, d), family: record.Peer, strategy: s, app: trial.Graceful(), delay: d, program: name,
	}
}
