package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// greeterProgram is the load generator with a new TLS connection for each request. Unlike wrk, it
// knows whether a session is resumed.
const greeterProgram = "lameduck/bench/overhead/greeter"

// A greeterLoad is a load of the greeter.
type greeterLoad struct {
	Clients int
	Resume  bool // resume a session on each connection, instead of a full handshake
}

// send runs the greeter.
func (l greeterLoad) send(ctx context.Context, at paths, d time.Duration, set unix.CPUSet) (outcome, error) {
	text, err := runOn(ctx, set, nil, at.built(greeterProgram), "-duration="+d.String(),
		"-clients="+strconv.Itoa(l.Clients), "-resume="+strconv.FormatBool(l.Resume), at.Listen)
	if err != nil {
		return outcome{}, err
	}
	return parseGreeter(text)
}

func parseGreeter(text []byte) (outcome, error) {
	var s struct {
		Requests float64 `json:"requests"`
		Seconds  float64 `json:"seconds"`
	}
	if err := json.Unmarshal(text, &s); err != nil {
		return outcome{}, fmt.Errorf("read the output of greeter: %w", err)
	}
	if s.Requests == 0 || s.Seconds == 0 {
		return outcome{}, fmt.Errorf("read the output of greeter: no requests in %q", text)
	}
	return outcome{Answers: s.Requests, Seconds: s.Seconds}, nil
}

// tlsCases measure the cost of terminating TLS 1.3, with the same cipher suite, key exchange and
// type of certificate for every peer.
func tlsCases() []benchCase {
	const clients = 32
	greet := func(name, title string, resume bool) benchCase {
		c := loadCase(name, fmt.Sprintf("64-byte answers over TLS, %d clients, %s for each request", clients, title),
			1.0/2, greeterLoad{Clients: clients, Resume: resume}, microseconds)
		c.Program = greeterProgram
		return c
	}
	wrk := func(name, title string, l load, unit cpuUnit) benchCase {
		l.Connections, l.TLS = clients, true
		return loadCase(name, fmt.Sprintf("%s over TLS, %d keep-alive connections", title, clients), 1.0/3, l, unit)
	}
	cases := []benchCase{
		greet("tls-handshake", "a new connection with a full handshake", false),
		greet("tls-resumed", "a new connection with a resumed session", true),
		wrk("tls-keepalive", "64-byte answers", load{Path: "/small"}, microseconds),
		wrk("tls-large", "1 MiB answers", load{Path: "/large", Body: largeBody}, milliseconds),
	}
	for i := range cases {
		cases[i].Protocol = https
	}
	cases[0] = cases[0].warmed()
	return cases
}
