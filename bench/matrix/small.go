package main

import (
	"time"

	"lameduck/bench/balancer"
)

// kindsOfSmall returns the load balancers that every Linux distribution has.
func kindsOfSmall() []balancer.Kind {
	return []balancer.Kind{balancer.BuiltIn, balancer.Nginx, balancer.HAProxy}
}

// smallMatrix returns the cells of make bench, which take about two minutes.
func smallMatrix() []group {
	return []group{
		smallBalancers(),
		smallStrategies(),
		smallFleet(),
		smallRhythm(),
	}
}

// smallLag is the lag of most cells of the small matrix.
const smallLag = 4 * time.Second

func smallBalancers() group {
	g := group{
		name: "balancers", title: "Behind three load balancers",
		about: "Three pods are replaced under 300 requests each second: GET and POST, on kept " +
			"and on new connections, 20 ms in the app. The load balancer removes each pod 4 s " +
			"late and does not retry. " + passive,
	}
	for _, k := range kindsOfSmall() {
		strategies := []strategy{bare(), sleep(2 * time.Second), native(hold)}
		if k == balancer.HAProxy {
			strategies = []strategy{bare(), sleep(2 * time.Second), sleep(12 * time.Second), native(hold)}
		}
		g = g.of(g.each(string(k), strategies, behind(k), lags(smallLag), rate(300)))
	}
	return g
}

func smallStrategies() group {
	g := group{
		name: "strategies", title: "More strategies",
		about: "The same with 20 requests each second, several cells at a time: an app with a " +
			"graceful shutdown, sleeps that are as long as the delay and much longer, and " +
			"Lameduck's other modes.",
	}
	for _, k := range kindsOfSmall() {
		strategies := []strategy{graceful(), sleep(smallLag), plain(hold), wrapper(hold)}
		g = g.of(g.each(string(k), strategies, behind(k), lags(smallLag), rate(light)))
	}
	return g.of(g.each(string(balancer.BuiltIn), []strategy{sleep(30 * time.Second)}, lags(smallLag), rate(light)))
}

func smallFleet() group {
	g := group{
		name: "fleet", title: "Nodes with different delays",
		about: "Two nodes of one load balancer share the pods and remove them after 2 s and 5 " +
			"s. 20 requests each second.",
	}
	for _, k := range kindsOfSmall() {
		g = g.of(g.each(string(k), []strategy{sleep(3 * time.Second), native(hold), wrapper(hold)},
			behind(k), lags(2*time.Second, 5*time.Second), rate(light)))
	}
	return g
}

func smallRhythm() group {
	g := group{
		name: "rhythm", title: "A service that is rarely called",
		about: "One request each second to three pods, so that each is called every 3 s, and " +
			"every 6 s while the new pods run too. The load balancer removes a pod after 15 s. " +
			"Lameduck, which learns the rhythm for half a minute, is compared with a fixed " +
			"quiet time.",
	}
	return g.of(g.each("every-1s", []strategy{fixed(hold), native(hold)},
		lags(15*time.Second), rate(1), quietFor(30*time.Second), within(time.Minute), settling(6*time.Second)))
}
