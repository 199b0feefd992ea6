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

// finish is how long a peer waits for exchanges in flight after its delay.
const finish = 10 * time.Second

// peer is the data of the configuration template of one peer.
type peer struct {
	Listen, App string // addresses
	Admin       string // address of the peer's health endpoint, if it has one
	Delay       time.Duration
	Finish      time.Duration
	Routes      string // file of the routes, if they have one
}

// CaddySidecar returns a strategy with Caddy in front of the app. Caddy serves normally for the
// given time after SIGTERM.
func CaddySidecar(delay time.Duration) Strategy {
	path, missing := debian("caddy", "caddy")
	front := func(b builder, p peer) (rollout.Container, error) {
		config, err := b.config("Caddyfile", p)
		return rollout.Container{
			Path:  path,
			Args:  []string{"run", "--adapter", "caddyfile", "--config", config},
			Env:   []string{"HOME=" + b.logs},
			Ready: "http://" + p.Listen + "/health-check",
		}, err
	}
	return sidecar("caddy", delay, func(Programs) string { return missing }, front)
}

// HAProxySidecar returns a strategy with HAProxy in front of the app. HAProxy serves normally for
// the given time after SIGUSR1, the stop signal of its image.
func HAProxySidecar(delay time.Duration) Strategy {
	path, missing := debian("haproxy", "haproxy")
	front := func(b builder, p peer) (rollout.Container, error) {
		config, err := b.config("haproxy.cfg", p)
		return rollout.Container{
			Path:       path,
			Args:       []string{"-db", "-f", config},
			StopSignal: syscall.SIGUSR1,
			Ready:      "http://" + p.Listen + "/ready",
		}, err
	}
	return sidecar("haproxy", delay, func(Programs) string { return missing }, front)
}

// TraefikSidecar returns a strategy with Traefik in front of the app. Traefik serves normally for
// the given time after SIGTERM.
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
			// The ping handler answers before the routes have been read, and until then every
			// request gets a 404. The trial measures terminations, so failures during the start
			// must not count.
			Startup: "http://" + p.Listen + "/",
			Ready:   "http://" + p.Admin + "/ping",
		}, err
	})
}

// sidecar returns a strategy whose pods have a peer in front of the app, as a second container. A
// native sidecar would get its stop signal only after the app has exited, so its delay would come
// too late.
//
// These peers do not hold the app: it would exit at t0, and the peer would answer 502 during its
// delay. So the app's hook sleeps for the peer's delay, as users of these peers have to configure
// it. Requests in flight at the end of the delay are lost if the app exits abruptly. A longer sleep
// would save them, but it would delay every termination, since the peer cannot notify the kubelet
// when it is done.
func sidecar(
	name string, delay time.Duration, missing func(Programs) string,
	front func(builder, peer) (rollout.Container, error),
) Strategy {
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

// config renders a configuration for the pod and returns its path.
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
