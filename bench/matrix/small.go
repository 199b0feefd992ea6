package main

import (
	"time"

	"lameduck/bench/balancer"
)

// kindsOfSmall are those that every Linux distribution has.
func kindsOfSmall() []balancer.Kind {
	return []balancer.Kind{balancer.BuiltIn, balancer.Nginx, balancer.HAProxy}
}

// smallMatrix is what make bench tries, in about two minutes.
func smallMatrix() []group {
	return []group{
		smallBalancers(),
		smallStrategies(),
		smallFleet(),
		smallRhythm(),
	}
}

// smallLag is that of the small matrix, in which a sleep of 2 s is too short and one of 4 s just as long.
const smallLag = 4 * time.Second

func smallBalancers() group {
	g := group{
		name: "balancers", title: "Behind three load balancers",
		about: "Three pods are replaced while 300 requests come each second: GET and POST, on kept and on new connections, " +
			"20 ms in the app. The load balancer learns of each end 4 s late, and tries nothing twice. " + passive,
	}
	for _, k := range kindsOfSmall() {
		ways := []way{bare(), sleep(2 * time.Second), native(hold)}
		if k == balancer.HAProxy {
			ways = []way{bare(), sleep(2 * time.Second), sleep(12 * time.Second), native(hold)}
		}
		g = g.of(g.each(string(k), ways, behind(k), lags(smallLag), rate(300)))
	}
	return g
}

func smallStrategies() group {
	g := group{
		name: "strategies", title: "More ways to end",
		about: "The same with 20 requests each second, several cells at a time: an app that ends as its framework advises, sleeps " +
			"that are as long as the delay and much longer, and Lameduck's other modes.",
	}
	for _, k := range kindsOfSmall() {
		g = g.of(g.each(string(k), []way{graceful(), sleep(smallLag), plain(hold), wrapper(hold)}, behind(k), lags(smallLag), rate(light)))
	}
	return g.of(g.each(string(balancer.BuiltIn), []way{sleep(30 * time.Second)}, lags(smallLag), rate(light)))
}

func smallFleet() group {
	g := group{
		name: "fleet", title: "Nodes that learn at different times",
		about: "Two nodes of one load balancer share the pods: one learns of their ends after 2 s, the other after 5 s. 20 requests each second.",
	}
	for _, k := range kindsOfSmall() {
		g = g.of(g.each(string(k), []way{sleep(3 * time.Second), native(hold), wrapper(hold)},
			behind(k), lags(2*time.Second, 5*time.Second), rate(light)))
	}
	return g
}

func smallRhythm() group {
	g := group{
		name: "rhythm", title: "A service that is seldom called",
		about: "One request each second to three pods, so that each is called every 3 s, and every 6 s while the new pods are there too. " +
			"The load balancer lets go after 15 s. A fixed quiet time is beside Lameduck's rule, which learns the rhythm for half a minute.",
	}
	return g.of(g.each("every-1s", []way{fixed(hold), native(hold)},
		lags(15*time.Second), rate(1), quietFor(30*time.Second), within(time.Minute), settling(6*time.Second)))
}
