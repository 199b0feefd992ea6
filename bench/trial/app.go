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

// App is a program that pods serve with, as its authors wrote it: nobody has changed it for its end. Every one answers
// a GET with "hello" and a POST with what it was sent, after the time that ?wait= asks for. The zero value is Abrupt.
type App struct {
	// Name is shown in tables.
	Name string
	// Settings are the variables of Lameduck that its documentation advises for such an app; the other ways have none.
	Settings []string

	missing string   // what it needs and is not there
	flags   []string // of bench/app
	// command returns the program and the arguments that serve at an address. Nil: it is bench/app.
	command func(b builder, addr string) (path string, args []string, err error)
}

// Missing returns nothing when the app can run here, and else one line that names the Debian package that it needs.
func (a App) Missing() string { return a.missing }

// Abrupt dies at once on SIGTERM, whatever is under way.
func Abrupt() App { return App{Name: "abrupt"} }

// Graceful does on SIGTERM what http.Server.Shutdown does: it stops listening, closes idle connections and finishes
// what is under way.
func Graceful() App { return App{Name: "graceful", flags: []string{"-graceful"}} }

// SlowStart does not listen before d has passed. It dies abruptly.
func SlowStart(d time.Duration) App {
	return App{Name: fmt.Sprintf("slow start %v", d), flags: []string{"-start-after", d.String()}}
}

// ShortKeepAlive closes connections that have lain idle for d, and so may close one on which a load balancer is just sending: with or
// without a rollout. It dies abruptly.
func ShortKeepAlive(d time.Duration) App {
	return App{
		Name:     fmt.Sprintf("keep-alive %v", d),
		Settings: []string{"LAMEDUCK_KEEP_CLIENT=true"},
		flags:    []string{"-idle-timeout", d.String()},
	}
}

// Node is the http server of Node with its defaults: it dies abruptly, and closes connections that have lain idle for
// 5 s.
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
		Args:    append([]string{"-listen", addr}, b.shape.flags...),
		PreStop: preStop,
		Ready:   "http://" + addr + "/",
	}
	if b.shape.command == nil {
		return c, nil
	}
	var err error
	c.Path, c.Args, err = b.shape.command(b, addr)
	return c, err
}
