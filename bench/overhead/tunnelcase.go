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

// A tunnelLoad is what the tunnel's load is asked to send or receive.
type tunnelLoad struct {
	Up          bool // from the client to the app
	Connections int
	Bytes       int // of each write, or frame
	Framed      bool
}

// send runs the load. Answers are reckoned as for the huge ones.
func (l tunnelLoad) send(ctx context.Context, at place, d time.Duration, set unix.CPUSet) (outcome, error) {
	text, err := runOn(ctx, set, nil, at.built(tunnelApp().Build), l.args(at, d)...)
	if err != nil {
		return outcome{}, err
	}
	return parseTunnel(text)
}

func (l tunnelLoad) args(at place, d time.Duration) []string {
	return []string{
		"load", "-up=" + strconv.FormatBool(l.Up), "-websocket=" + strconv.FormatBool(l.Framed), "-frame=" + strconv.Itoa(l.Bytes),
		"-connections=" + strconv.Itoa(l.Connections), "-duration=" + d.String(), at.Listen,
	}
}

func parseTunnel(text []byte) (outcome, error) {
	var s struct {
		Bytes   float64 `json:"bytes"`
		Seconds float64 `json:"seconds"`
	}
	if err := json.Unmarshal(text, &s); err != nil {
		return outcome{}, fmt.Errorf("read what the tunnel's load printed: %w", err)
	}
	if s.Bytes == 0 || s.Seconds == 0 {
		return outcome{}, fmt.Errorf("read what the tunnel's load printed: no bytes in %q", text)
	}
	return outcome{Answers: s.Bytes / hugeBody, Seconds: s.Seconds}, nil
}

// tunnelCase measures what it costs to carry bytes one way, as fast as they are
// taken.
func tunnelCase(name string, spoken protocol, l tunnelLoad) benchCase {
	way := "from the app to the client"
	if l.Up {
		way = "from the client to the app"
	}
	what := "writes"
	if l.Framed = spoken == webSocket; l.Framed {
		what = "frames"
	}
	size := fmt.Sprintf("%d KiB", l.Bytes>>10)
	if l.Bytes >= 1<<20 {
		size = fmt.Sprintf("%d MiB", l.Bytes>>20)
	}
	c := loadCase(name, fmt.Sprintf("%d %s tunnels %s, %s of %s", l.Connections, spoken, way, what, size), 1.0/5, l, wholeMilliseconds)
	c.Protocol = spoken
	c.measure = ofInstance(func(ctx context.Context, b *bench, in *instance, d time.Duration) (measurement, error) {
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
