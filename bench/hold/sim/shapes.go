package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

const second = time.Second

// kubeProxy is how long kube-proxy takes on the nodes of a cluster.
var kubeProxy = between(300*time.Millisecond, 3*second)

// cloud is how long load balancers of clouds take.
var cloud = between(5*second, 110*second)

// usual is the surge of a rollout of three pods with one more at a time.
const usual = 1.33

// Shapes are all shapes, those with limits first.
func Shapes() []Shape {
	return slices.Concat(direct(), proxied(), measured(), weakDirect(), weakProxied(), idle(), odd())
}

// Find returns the shape with this name.
func Find(name string) (Shape, error) {
	var known []string
	for _, s := range Shapes() {
		if s.Name == name {
			return s, nil
		}
		known = append(known, s.Name)
	}
	return Shape{}, fmt.Errorf("unknown shape %q: use %s", name, strings.Join(known, ", "))
}

// Measured are the names of the shapes that the real program is measured with.
func Measured() []string {
	return []string{"thirty-pods", "forty-callers", "bursty-ingress", "slow-proxy"}
}

// direct are shapes with limits, of callers that reach the pod directly.
func direct() []Shape {
	return []Shape{
		{
			Name: "clusterip", Title: "ClusterIP, 20 to 200 direct callers, 5/s or more together",
			About: "Callers on 5 to 20 nodes, each with a rhythm of its own.",
			Groups: []Group{{Sources: between(20, 200), Rate: between(5.0, 50), Delay: kubeProxy,
				Nodes: between(5, 20)}},
			Surge: usual, Limits: Limits{6 * second, 9 * second, 0.001},
		},
		{
			Name: "periodic", Title: "direct callers, 50 periodic at 30 s",
			About: "Fifty callers with timers of 30 s on five nodes.",
			Groups: []Group{{Sources: exactly(50), Rate: exactly(50.0 / 30), Delay: kubeProxy,
				Nodes: exactly(5), Rhythm: Periodic}},
			Surge: usual, Limits: Limits{25 * second, 30 * second, 0.001},
		},
		{
			Name: "browsers", Title: "client addresses preserved, 200 browsers of 5 requests/min, " +
				"lag 5 to 20 s",
			About: "A load balancer that keeps the addresses of its clients.",
			Groups: []Group{{Sources: exactly(200), Rate: exactly(200 * 5.0 / 60),
				Delay: between(5*second, 20*second), Nodes: exactly(1), Rhythm: Poisson}},
			Surge: usual, Limits: Limits{7 * second, 15 * second, 0.003},
		},
	}
}

// proxied are shapes with limits, of load balancers.
func proxied() []Shape {
	return []Shape{
		{
			Name: "ingress", Title: "ingress controller, 4 pods, 20/s, any rhythm",
			About: "Four pods of a controller that route to the addresses of pods.",
			Groups: []Group{{Route: Proxied, Sources: exactly(4), Rate: exactly(20.0),
				Delay: between(second, 10*second)}},
			Surge: usual, Limits: Limits{6 * second, 10 * second, 0.001},
		},
		{
			Name: "cloud-busy", Title: "cloud load balancer, 3 nodes, 100/s, lag 5 to 110 s",
			Groups: []Group{{Route: Proxied, Sources: exactly(3), Rate: exactly(100.0), Delay: cloud}},
			Surge:  usual, Limits: Limits{6 * second, 18 * second, 0.001},
		},
		{
			Name: "cloud", Title: "the same, 5/s",
			Groups: []Group{{Route: Proxied, Sources: exactly(3), Rate: exactly(5.0), Delay: cloud}},
			Surge:  usual, Limits: Limits{15 * second, 46 * second, 0.005},
		},
		{
			Name: "cloud-quiet", Title: "the same, 6 nodes, 0.5/s",
			Groups: []Group{{Route: Proxied, Sources: exactly(6), Rate: exactly(0.5), Delay: cloud}},
			Surge:  2, Limits: Limits{35 * second, 65 * second, 0.003},
		},
		{
			Name: "slow-proxy", Title: "a slow proxy, one request in 20 s from each of two nodes, " +
				"lag 40 to 60 s",
			Groups: []Group{{Route: Proxied, Sources: exactly(2), Rate: exactly(0.1),
				Delay: between(40*second, 60*second), Rhythm: Periodic}},
			Surge: usual, Limits: Limits{35 * second, 40 * second, 0.003},
		},
		{
			Name: "mixed", Title: "direct callers 30/s beside a cloud load balancer with 2/s",
			Groups: []Group{
				{Route: Proxied, Sources: exactly(3), Rate: exactly(2.0), Delay: cloud},
				{Sources: exactly(30), Rate: exactly(30.0), Delay: kubeProxy, Nodes: exactly(6)},
			},
			Surge: usual, Limits: Limits{25 * second, 60 * second, 0.003},
		},
	}
}

// measured are shapes of traffic that clusters were seen to have.
func measured() []Shape {
	return []Shape{
		{
			Name: "thirty-pods", Title: "ClusterIP, 30 client pods, each with a request every 3 to 4 s " +
				"to one of three pods",
			Groups: []Group{{Sources: exactly(30), Rate: exactly(30 / 3.5 / 3), Delay: kubeProxy,
				Nodes: exactly(5), Rhythm: Balanced}},
			Surge: usual, Limits: Limits{6 * second, 9 * second, 0.001},
		},
		{
			Name: "forty-callers", Title: "ClusterIP, 40 direct callers, 8/s together",
			Groups: []Group{{Sources: exactly(40), Rate: exactly(8.0), Delay: kubeProxy,
				Nodes: exactly(8)}},
			Surge: usual, Limits: Limits{6 * second, 9 * second, 0.001},
		},
		{
			Name: "bursty-ingress", Title: "ingress controller, 4 pods, 20/s in bursts",
			Groups: []Group{{Route: Proxied, Sources: exactly(4), Rate: exactly(20.0),
				Delay: between(second, 10*second), Rhythm: Bursty}},
			Surge: usual, Limits: Limits{6 * second, 10 * second, 0.001},
		},
	}
}
