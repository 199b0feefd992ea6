package sim

import "time"

// weakDirect are shapes without limits, which show where the rule is weak.
func weakDirect() []Shape {
	return []Shape{
		{
			Name: "few-callers", Title: "5 to 20 direct callers on as many nodes, 0.1 to 5/s together",
			Groups: []Group{{Sources: between(5, 20), Rate: between(0.1, 5), Delay: kubeProxy}},
			Surge:  usual,
		},
		{
			Name: "kept", Title: "30 direct callers with kept connections, a request every 3 to 4 s each",
			About: "Each connection is closed with its next response, so the route decides about new " +
				"connections only.",
			Groups: []Group{{Sources: exactly(30), Rate: between(7.5, 10), Delay: kubeProxy,
				Nodes: exactly(5), Rhythm: Periodic, Kept: true}},
			Surge: usual,
		},
		{
			Name: "skewed", Title: "40 direct callers of which a few make most of the requests",
			Groups: []Group{{Sources: exactly(40), Rate: between(5.0, 20), Delay: kubeProxy,
				Nodes: exactly(8), Skewed: true}},
			Surge: usual,
		},
		{
			Name: "young", Title: "100 direct callers that come and go, 20/s together",
			About: "Each caller began at some time in the last ten minutes: many have no rhythm yet.",
			Groups: []Group{{Sources: exactly(100), Rate: exactly(20.0), Delay: kubeProxy,
				Nodes: exactly(10), Young: true}},
			Surge: usual,
		},
	}
}

// weakProxied are shapes without limits, of load balancers.
func weakProxied() []Shape {
	return []Shape{
		{
			Name: "cloud-nodes", Title: "cloud load balancer, 1 to 10 nodes, 0.5 to 50/s",
			Groups: []Group{{Route: Proxied, Sources: between(1, 10), Rate: between(0.5, 50),
				Delay: cloud}},
			Surge: usual,
		},
		{
			Name: "passthrough", Title: "TCP or TLS passthrough from 3 nodes, 5/s, lag 5 to 110 s",
			Groups: []Group{{Route: Opaque, Sources: exactly(3), Rate: exactly(5.0), Delay: cloud}},
			Surge:  usual,
		},
		{
			Name: "surge", Title: "ingress controller, 4 pods, 20/s, four times as many pods in the rollout",
			Groups: []Group{{Route: Proxied, Sources: exactly(4), Rate: exactly(20.0),
				Delay: between(second, 30*second)}},
			Surge: 4,
		},
	}
}

// idle are shapes of services without requests, whose load balancers check their health.
func idle() []Shape {
	return []Shape{
		{
			Name: "idle", Title: "no request and no health check",
		},
		{
			Name: "idle-stop", Title: "no request, health checks of 3 nodes every 10 s that stop with the drain",
			About:  "So do load balancers of AWS and ingress controllers.",
			Checks: Checks{Nodes: 3, Period: 10 * second, Until: between(0, 2*second)},
		},
		{
			Name: "idle-late", Title: "no request, health checks of 3 nodes every 10 s that go on for 20 to 60 s",
			Checks: Checks{Nodes: 3, Period: 10 * second, Until: between(20*second, 60*second)},
		},
		{
			Name: "idle-on", Title: "no request, health checks of 3 nodes every 10 s that do not stop",
			About: "They extend the hold of an idle pod to the delay of the load balancer that is " +
				"configured, half of Max by default.",
			Checks: Checks{Nodes: 3, Period: 10 * second, Until: exactly(time.Hour)},
		},
	}
}

// odd are shapes without limits that clusters have now and then.
func odd() []Shape {
	return []Shape{
		{
			Name: "cron", Title: "10 direct callers each minute at the same second",
			Groups: []Group{{Sources: exactly(10), Rate: exactly(10.0 / 60), Delay: kubeProxy,
				Nodes: exactly(5), Rhythm: Cron}},
			Surge: 1,
		},
		{
			Name: "heavy", Title: "20 direct callers in bursts with heavy tails, 10/s together",
			Groups: []Group{{Sources: exactly(20), Rate: exactly(10.0), Delay: kubeProxy,
				Nodes: exactly(5), Rhythm: Heavy}},
			Surge: usual,
		},
		{
			Name: "heavy-cloud", Title: "cloud load balancer, 3 nodes, bursts with heavy tails, 5/s",
			Groups: []Group{{Route: Proxied, Sources: exactly(3), Rate: exactly(5.0), Delay: cloud,
				Rhythm: Heavy}},
			Surge: usual,
		},
		{
			Name: "laggard", Title: "100 direct callers on 10 nodes, one of which is 10 times as late, 20/s",
			Groups: []Group{{Sources: exactly(100), Rate: exactly(20.0), Delay: kubeProxy,
				Nodes: exactly(10), Laggard: 10}},
			Surge: usual,
		},
		{
			Name: "stalled", Title: "ingress controller, 4 pods, 20/s, the process stalls for 6 s",
			About: "The process is stopped or has no CPU. Silence that was not watched does not count.",
			Groups: []Group{{Route: Proxied, Sources: exactly(4), Rate: exactly(20.0),
				Delay: between(5*second, 30*second)}},
			Surge: usual, Stall: 6 * second,
		},
	}
}
