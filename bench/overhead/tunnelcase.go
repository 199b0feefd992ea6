package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// A tunnelLoad is a load of the program tunnel.
type tunnelLoad struct {
	Up          bool // from the client to the app
	Connections int
	Bytes       int // of each write or frame
	Framed      bool
}

// send runs the load. Its outcome counts units of 64 MiB.
func (l tunnelLoad) send(ctx context.Context, at paths, d time.Duration, set unix.CPUSet) (outcome, error) {
	text, err := runOn(ctx, set, nil, at.built(tunnelApp().Build), l.args(at, d)...)
	if err != nil {
		return outcome{}, err
	}
	return parseTunnel(text)
}

func (l tunnelLoad) args(at paths, d time.Duration) []string {
	return []string{
		"load", "-up=" + strconv.FormatBool(l.Up), "-websocket=" + strconv.FormatBool(l.Framed),
		"-frame=" + strconv.Itoa(l.Bytes), "-connections=" + strconv.Itoa(l.Connections),
		"-duration=" + d.String(), at.Listen,
	}
}

func parseTunnel(text []byte) (outcome, error) {
	var s struct {
		Bytes   float64 `json:"bytes"`
		Seconds float64 `json:"seconds"`
	}
	if err := json.Unmarshal(text, &s); err != nil {
		return outcome{}, fmt.Errorf("read the output of tunnel: %w", err)
	}
	if s.Bytes == 0 || s.Seconds == 0 {
		return outcome{}, fmt.Errorf("read the output of tunnel: no bytes in %q", text)
	}
	return outcome{Answers: s.Bytes / hugeBody, Seconds: s.Seconds}, nil
}

// tunnelCase measures the cost of transferring bytes in one direction as fast as possible.
func tunnelCase(name string, spoken protocol, l tunnelLoad) benchCase {
	direction := "from the app to the client"
	if l.Up {
		direction = "from the client to the app"
	}
	what := "writes"
	if l.Framed = spoken == webSocket; l.Framed {
		what = "frames"
	}
	size := fmt.Sprintf("%d KiB", l.Bytes>>10)
	if l.Bytes >= 1<<20 {
		size = fmt.Sprintf("%d MiB", l.Bytes>>20)
	}
	title := fmt.Sprintf("%d %s tunnels %s, %s of %s", l.Connections, spoken, direction, what, size)
	c := loadCase(name, title, 1.0/5, l, wholeMilliseconds)
	c.Protocol = spoken
	c.measure = ofInstance(func(
		ctx context.Context, b *bench, in *instance, d time.Duration,
	) (measurement, error) {
		m, err := b.measureLoad(ctx, in, l, d, wholeMilliseconds)
		if err == nil {
			m.Values["rate"] *= hugeBody >> 20
		}
		return m, err
	})
	for i, m := range c.Metrics {
		switch m.Name {
		case "rate":
			c.Metrics[i].Title, c.Metrics[i].Digits = "MiB per second", 0
		default:
			c.Metrics[i].Title = strings.Replace(m.Title, "per request", "per 64 MiB", 1)
		}
	}
	return c
}
