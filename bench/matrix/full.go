package main

import (
	"fmt"
	"time"

	"lameduck/bench/balancer"
	"lameduck/bench/trial"
)

// lag is the lag of most cells of the full matrix.
const lag = 5 * time.Second

// fullMatrix returns the cells of make bench-full.
func fullMatrix() []group {
	return []group{
		balancersGroup(), lagsGroup(), fleetGroup(), retriesGroup(), connectionsGroup(), appsGroup(),
		peersGroup(), flightGroup(), ratesGroup(), rhythmGroup(), againGroup(),
	}
}

// sleeps returns sleeps that are shorter than a lag of 5 s, as long, and three times as long.
func sleeps() []strategy {
	return []strategy{sleep(2 * time.Second), sleep(lag), sleep(15 * time.Second)}
}

// passive explains why few requests are lost behind nginx.
const passive = "By default nginx avoids a pod for 10 s after one failed request and so loses few; " +
	"the others go on sending."

func balancersGroup() group {
	g := group{
		name: "balancers", title: "Behind every load balancer",
		about: "Three pods are replaced under 400 requests each second: GET and POST, on kept " +
			"and on new connections, 20 ms in the app. The load balancer removes each pod 5 s " +
			"late and does not retry. " + passive,
	}
	for _, k := range balancer.Kinds() {
		strategies := append([]strategy{bare(), graceful()}, sleeps()...)
		g = g.of(g.each(string(k), append(strategies, lameducks()...), behind(k)))
	}
	return g
}

func lagsGroup() group {
	g := group{
		name: "lags", title: "Delay of the load balancer",
		about: "From none to 30 s, with 20 requests each second.",
	}
	for _, l := range []time.Duration{0, time.Second, lag, 30 * time.Second} {
		strategies := append([]strategy{bare(), graceful(), sleep(lag), sleep(40 * time.Second)}, lameducks()...)
		g = g.of(g.each(l.String(), strategies, lags(l), rate(light)))
	}
	return g
}

func fleetGroup() group {
	g := group{
		name: "fleet", title: "Nodes with different delays",
		about: "Three nodes of one load balancer share the pods and remove them after 1 s, 5 s " +
			"and 12 s. 200 requests each second.",
	}
	for _, k := range kindsOfSmall() {
		g = g.of(g.each(string(k), append([]strategy{bare(), sleep(lag), sleep(15 * time.Second)}, lameducks()...),
			behind(k), lags(time.Second, lag, 12*time.Second), rate(200)))
	}
	return g
}

func retriesGroup() group {
	g := group{
		name: "retries", title: "What retries of the load balancer save",
		about: "It may send a request to one more pod, or to three more: any request after a " +
			"refused connection, and a GET after a broken connection, but never a POST that may " +
			"have been sent. 20 requests each second.",
	}
	for _, k := range kindsOfSmall() {
		for _, n := range []int{1, 3} {
			strategies := []strategy{bare(), graceful(), sleep(2 * time.Second), native(hold)}
			g = g.of(g.each(fmt.Sprintf("%s-%d", k, n), strategies, behind(k), retries(n), rate(light)))
		}
	}
	return g
}

func connectionsGroup() group {
	g := group{
		name: "connections", title: "A load balancer without keep-alive",
		about: "Each request gets a new connection to the pod. 20 requests each second.",
	}
	for _, k := range kindsOfSmall() {
		strategies := []strategy{bare(), graceful(), sleep(lag), native(hold)}
		g = g.of(g.each(string(k), strategies, behind(k), keepalive(-1), rate(light)))
	}
	return g
}

// apps returns the apps of the apps group by name.
func apps() map[string]trial.App {
	return map[string]trial.App{
		"abrupt":          trial.Abrupt(),
		"graceful":        trial.Graceful(),
		"slow-start":      trial.SlowStart(3 * time.Second),
		"short-keepalive": trial.ShortKeepAlive(time.Second),
		"node":            trial.Node(),
	}
}

func appsGroup() group {
	g := group{
		name: "apps", title: "Apps",
		about: "One that exits on SIGTERM, one with a graceful shutdown, one that needs 3 s to " +
			"start, one that closes idle connections after 1 s (with LAMEDUCK_KEEP_CLIENT, so " +
			"that Lameduck keeps those of clients), and one in Node. 20 requests each second; " +
			"300 if the name ends in busy.",
	}
	for _, name := range []string{"abrupt", "graceful", "slow-start", "short-keepalive", "node"} {
		a := app(apps()[name])
		starts := settling(map[string]time.Duration{"slow-start": 18 * time.Second}[name])
		strategies := []strategy{bare(), sleep(lag), native(hold), wrapper(hold)}
		g = g.of(
			g.each(name, strategies, a, rate(light), starts),
			g.each(name+"-nginx", strategies, a, rate(light), starts, behind(balancer.Nginx)),
			g.each(name+"-busy", []strategy{native(hold)}, a, rate(300), starts),
		)
	}
	return g
}

func peersGroup() group {
	g := group{
		name: "peers", title: "Other proxies instead of Lameduck",
		about: "Each in front of the app, with its own shutdown delay: as long as the load " +
			"balancer's delay of 5 s, and shorter. Knative's queue-proxy waits for a fixed time " +
			"without requests. 200 requests each second.",
	}
	var strategies []strategy
	for _, d := range []time.Duration{2 * time.Second, lag} {
		strategies = append(strategies, caddy(d), haproxy(d), traefik(d))
	}
	strategies = append(strategies, queueProxy(), native(hold))
	for _, k := range []balancer.Kind{balancer.BuiltIn, balancer.Nginx} {
		g = g.of(g.each(string(k), strategies, behind(k), rate(200)))
	}
	return g
}

func flightGroup() group {
	g := group{
		name: "in-flight", title: "How long requests are in flight",
		about: "From 1 ms to 20 s. Ten requests each second, so that up to 200 are in flight at " +
			"a time.",
	}
	for _, d := range []time.Duration{time.Millisecond, 200 * time.Millisecond, 2 * time.Second, 20 * time.Second} {
		strategies := []strategy{bare(), graceful(), sleep(lag), native(hold), wrapper(hold)}
		g = g.of(g.each(d.String(), strategies, requests(mixed(d)), rate(10), quietFor(calm+d), settling(d)))
	}
	return g
}

func ratesGroup() group {
	g := group{
		name: "rates", title: "Request rates",
		about: "From 10 requests each second, of every kind, to 2,000 and 5,000 on kept " +
			"connections, to six pods. The built-in load balancer shares its process with the " +
			"load, so that 5,000 are sometimes too many for two cores.",
	}
	for _, r := range []float64{10, 100, 1000} {
		g = g.of(g.each(fmt.Sprint(r), []strategy{bare(), native(hold)}, rate(r), replicas(6)))
	}
	const much, most = 2000, 5000
	busy := []option{replicas(6), requests(kept(time.Millisecond)), available(2 * time.Second)}
	return g.of(
		g.each(fmt.Sprint(much), lameducks(), append(busy, rate(much))...),
		g.each(fmt.Sprint(most), []strategy{bare(), native(hold)}, append(busy, rate(most))...),
		g.each(fmt.Sprintf("%d-nginx", most), lameducks(), append(busy, rate(most), behind(balancer.Nginx))...),
		g.each(fmt.Sprintf("%d-haproxy", most), lameducks(), append(busy, rate(most), behind(balancer.HAProxy))...),
	)
}

// A rhythm is how often a service is called.
type rhythm struct {
	name   string
	period time.Duration
	with   []option
}

// rhythms returns rhythms with enough time to learn them: thirty gaps of a random service with one
// pod, and half of that with two.
func rhythms() []rhythm {
	all := []rhythm{
		{"every-5s", 5 * time.Second, []option{quietFor(62 * time.Second), lags(45 * time.Second)}},
		{"every-20s", 20 * time.Second, []option{quietFor(250 * time.Second), lags(130 * time.Second)}},
	}
	for seed := range uint64(3) {
		all = append(all,
			rhythm{fmt.Sprintf("random-5s-seed%d", seed), 5 * time.Second,
				[]option{poisson(seed), quietFor(5 * time.Minute), lags(60 * time.Second)}},
			rhythm{fmt.Sprintf("random-20s-seed%d", seed), 20 * time.Second,
				[]option{poisson(seed), quietFor(10 * time.Minute), lags(150 * time.Second)}},
		)
	}
	return all
}

func rhythmGroup() group {
	g := group{
		name: "rhythm", title: "Services that are rarely called",
		about: "Once in 5 s or once in 20 s, evenly or at random (a Poisson process), for long " +
			"enough to learn the rhythm. The load balancer removes a pod only after several " +
			"gaps and does not retry. During a rollout there are twice as many pods, so that " +
			"each is called half as often. Lameduck is compared with a fixed quiet time of 5 s.",
	}
	slow := trial.Hold{Min: 5 * time.Second, Quiet: 5 * time.Second}
	for _, r := range rhythms() {
		for _, pods := range []int{1, 2} {
			with := append(r.with, rate(1/r.period.Seconds()), replicas(pods), within(15*time.Minute),
				settling(time.Duration(6*pods)*r.period))
			where := fmt.Sprintf("%s-%d", r.name, pods)
			g = g.of(g.each(where, []strategy{fixed(slow), native(slow)}, with...))
		}
	}
	return g
}

func againGroup() group {
	g := group{
		name: "again", title: "Repetitions",
		about: "Three cells of the first table, three more times, to show how much runs differ.",
	}
	for _, n := range []string{"second", "third", "fourth"} {
		g = g.of(g.each(n, []strategy{bare(), sleep(2 * time.Second), native(hold)}))
	}
	return g
}
