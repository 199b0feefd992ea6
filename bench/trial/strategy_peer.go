package trial

import (
	"embed"
	"fmt"
	"os"
	"syscall"
	"text/template"
	"time"

	"lameduck/bench/rollout"
)

//go:embed peers/*.tmpl
var peerConfigs embed.FS

// finish is what a peer gives exchanges that are still under way after its delay.
const finish = 10 * time.Second

// peer is what the configuration of one peer is filled with.
type peer struct {
	Listen, App string // addresses
	Admin       string // address of the peer's own health, where it has one
	Delay       time.Duration
	Finish      time.Duration
	Routes      string // file of the routes, where they have one of their own
}

// CaddySidecar puts Caddy in front of the app. It goes on as before for the given time after SIGTERM.
func CaddySidecar(delay time.Duration) Strategy {
	path, missing := debian("caddy", "caddy")
	return sidecar("caddy", delay, func(Programs) string { return missing }, func(b builder, p peer) (rollout.Container, error) {
		config, err := b.config("Caddyfile", p)
		return rollout.Container{
			Path:  path,
			Args:  []string{"run", "--adapter", "caddyfile", "--config", config},
			Env:   []string{"HOME=" + b.logs},
			Ready: "http://" + p.Listen + "/health-check",
		}, err
	})
}

// HAProxySidecar puts HAProxy in front of the app. It goes on as before for the given time after SIGUSR1, which is the
// stop signal of its image.
func HAProxySidecar(delay time.Duration) Strategy {
	path, missing := debian("haproxy", "haproxy")
	return sidecar("haproxy", delay, func(Programs) string { return missing }, func(b builder, p peer) (rollout.Container, error) {
		config, err := b.config("haproxy.cfg", p)
		return rollout.Container{
			Path:       path,
			Args:       []string{"-db", "-f", config},
			StopSignal: syscall.SIGUSR1,
			Ready:      "http://" + p.Listen + "/ready",
		}, err
	})
}

// TraefikSidecar puts Traefik in front of the app. It goes on as before for the given time after SIGTERM.
func TraefikSidecar(delay time.Duration) Strategy {
	missing := func(p Programs) string { return built(p.Traefik, "traefik", "package bench/peers builds it") }
	return sidecar("traefik", delay, missing, func(b builder, p peer) (rollout.Container, error) {
		var err error
		if p.Routes, err = b.config("traefik-routes.yml", p); err != nil {
			return rollout.Container{}, err
		}
		config, err := b.config("traefik.yml", p)
		return rollout.Container{
			Path: b.programs.Traefik,
			Args: []string{"--configFile=" + config},
			// The ping handler answers before the routes have been read, and until then everything is answered 404. That is a
			// start, not an end, and none of it is to be counted here.
			Startup: "http://" + p.Listen + "/",
			Ready:   "http://" + p.Admin + "/ping",
		}, err
	})
}

// sidecar returns a strategy whose pods have a peer in front of the app, as a second container. As a native sidecar it
// would be told to stop only when the app has gone, and its delay would come too late.
//
// None of these peers holds the app: it would die at t0, and the peer would answer 502 for as long as it goes on. So the
// app's hook sleeps for the peer's delay, which is what whoever puts the two together has to write. What is under way
// at the end of the delay is lost with an app that dies abruptly. A longer sleep would save it, and would be spent by
// every pod at every end: the peer cannot tell the kubelet that it is done.
func sidecar(name string, delay time.Duration, missing func(Programs) string, front func(builder, peer) (rollout.Container, error)) Strategy {
	return Strategy{
		Name:    fmt.Sprintf("%s %v", name, delay),
		Ending:  func(time.Duration) time.Duration { return delay },
		missing: missing,
		pod: func(b builder) (rollout.Spec, error) {
			a, err := b.addrs(3)
			if err != nil {
				return rollout.Spec{}, err
			}
			c, err := front(b, peer{Listen: a[0], App: a[1], Admin: a[2], Delay: delay, Finish: finish})
			if err != nil {
				return rollout.Spec{}, err
			}
			c.Name = name
			app, err := b.app(a[1], rollout.Sleep(delay))
			s := b.spec(a[0])
			s.Containers = []rollout.Container{c, app}
			return s, err
		},
	}
}

// config fills in a configuration and returns the path of the pod's own copy.
func (b builder) config(name string, p peer) (string, error) {
	t, err := template.ParseFS(peerConfigs, "peers/"+name+".tmpl")
	if err != nil {
		return "", err
	}
	f, err := os.Create(b.file(name))
	if err != nil {
		return "", err
	}
	defer f.Close()
	return f.Name(), t.Execute(f, p)
}
