package main

import (
	"context"
	"strings"
	"time"
)

// observeCase measures what it costs that Lameduck observes the app instead of relaying: the CPU
// time of both, beside that of the app alone. Both run on the proxy's core.
func observeCase(name, title string, l load) benchCase {
	c := loadCase(name, title+", straight to the app: direct is the app alone, lameduck observes it", 1.0/2, l,
		microseconds)
	c.Standalone, c.Only = true, []string{direct, lameduck}
	for i, m := range c.Metrics {
		c.Metrics[i].Title = strings.NewReplacer(
			"CPU per request", "CPU of app and lameduck per request", "proxy's core", "their core").Replace(m.Title)
	}
	c.measure = func(ctx context.Context, b *bench, s step) ([]measurement, error) {
		m, err := b.measureObserved(ctx, s.Peers[0], l, s.Duration)
		return []measurement{m}, err
	}
	return c
}

func (b *bench) measureObserved(ctx context.Context, p peer, l load, d time.Duration) (measurement, error) {
	at, err := b.appPaths(ctx, http1)
	if err != nil {
		return measurement{}, err
	}
	app, err := startInstance(ctx, nginxApp(), at, b.cores.Proxy)
	if err != nil {
		return measurement{}, err
	}
	defer app.stop()
	measured := groups(app)
	if p.Name == lameduck {
		at := b.paths
		at.App, at.Binary = app.paths.Listen, b.binaries[lameduck]
		observer, err := startInstance(ctx, observer(), at, b.cores.Proxy)
		if err != nil {
			return measurement{}, err
		}
		defer observer.stop()
		measured = groups(app, observer)
	}
	if _, err := l.send(ctx, app.paths, warmTime, b.cores.Others); err != nil {
		return measurement{}, err
	}
	return b.metered(ctx, measured, microseconds, func() (outcome, error) {
		return l.send(ctx, app.paths, d, b.cores.Others)
	})
}

// observer returns Lameduck without a route: it observes the app's port.
func observer() peer {
	p := lameduckPeer()
	p.Name = "observer"
	p.Env = []string{
		"LAMEDUCK_OBSERVE={{.AppPort}}",
		"LAMEDUCK_ADMIN={{.Admin}}",
		"LAMEDUCK_CONTROL={{.Control}}",
		"LAMEDUCK_LOG_LEVEL=warn",
	}
	return p
}
