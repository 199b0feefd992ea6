package trial

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"lameduck/bench/app/node"
	"lameduck/bench/rollout"
)

// An App is the program that serves in the pods, unmodified. Every app answers a GET with "hello"
// and echoes a POST, after the time in ?wait=. The zero value is Abrupt.
type App struct {
	// Name is shown in tables.
	Name string
	// Settings are the variables of Lameduck that its documentation recommends for such an app.
	// They do not apply to other strategies.
	Settings []string

	missing string   // the program that is not installed
	flags   []string // of bench/app
	// command returns the program and arguments to serve at an address. If it is nil, the program
	// is bench/app.
	command func(b builder, addr string) (path string, args []string, err error)
}

// Missing returns the program and the Debian package that the app needs and that is not installed,
// or "".
func (a App) Missing() string { return a.missing }

// Abrupt returns an app that exits at once on SIGTERM, even during requests.
func Abrupt() App { return App{Name: "abrupt"} }

// Graceful returns an app that calls http.Server.Shutdown on SIGTERM: it stops listening, closes
// idle connections and finishes the requests in flight.
func Graceful() App { return App{Name: "graceful", flags: []string{"-graceful"}} }

// SlowStart returns an app that starts to listen after d. It exits abruptly.
func SlowStart(d time.Duration) App {
	return App{Name: fmt.Sprintf("slow start %v", d), flags: []string{"-start-after", d.String()}}
}

// ShortKeepAlive returns an app that closes connections that were idle for d. With or without a
// rollout, it may close one on which the load balancer is just sending. It exits abruptly.
func ShortKeepAlive(d time.Duration) App {
	return App{
		Name:     fmt.Sprintf("keep-alive %v", d),
		Settings: []string{"LAMEDUCK_KEEP_CLIENT=true"},
		flags:    []string{"-idle-timeout", d.String()},
	}
}

// Node returns the http server of Node with its defaults: it exits abruptly, and closes connections
// that were idle for 5 s.
func Node() App {
	path, missing := debian("node", "nodejs")
	return App{
		Name:    "node",
		missing: missing,
		command: func(b builder, addr string) (string, []string, error) {
			script := filepath.Join(b.logs, "server.js")
			host, port, _ := strings.Cut(addr, ":")
			return path, []string{script, host, port}, os.WriteFile(script, []byte(node.Server), 0o644)
		},
	}
}

// app returns the container of the app, which serves at addr.
func (b builder) app(addr string, preStop rollout.Hook) (rollout.Container, error) {
	c := rollout.Container{
		Name:    "app",
		Path:    b.programs.App,
		Args:    append([]string{"-listen", addr}, b.application.flags...),
		PreStop: preStop,
		Ready:   "http://" + addr + "/",
	}
	if b.application.command == nil {
		return c, nil
	}
	var err error
	c.Path, c.Args, err = b.application.command(b, addr)
	return c, err
}
