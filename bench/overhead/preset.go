package main

import (
	"fmt"
	"time"
)

// A preset has the defaults of flags.
type preset struct {
	Rounds   int
	Duration time.Duration
	Cases    string // comma-separated, or all
	Peers    string
}

// all stands for every case or peer.
const all = "all"

// full is the preset for published results.
var full = preset{Rounds: 5, Duration: 3 * time.Second, Cases: all, Peers: all}

// presets are those of -table.
var presets = map[string]preset{
	"full": full,
	// Shows in two minutes whether anything has changed.
	"quick": {
		Rounds:   3,
		Duration: 600 * time.Millisecond,
		Cases:    "keepalive,large,newconn,heads,h2c,grpc,tcp-down,ws-up,latency,idle,binary",
		Peers:    "direct,nginx,haproxy-http,haproxy-tcp,reverseproxy,lameduck",
	},
	// What a connection, a request and a core cost, beside the two most used proxies.
	"cost": {
		Rounds:   5,
		Duration: 2 * time.Second,
		Cases: "keepalive,large,newconn,tls-handshake,tls-resumed,tls-keepalive,tls-large,latency," +
			"observe,observe-newconn,scale,busy10k,idle,idle3k,tls-idle,tls-idle3k",
		Peers: "direct,nginx,haproxy-http,haproxy-tcp,lameduck",
	},
	// The cases of the baseline.
	"regress": {
		Rounds:   7,
		Duration: 600 * time.Millisecond,
		Cases:    "keepalive,large,newconn,h2c,tls-handshake,tls-keepalive",
		Peers:    "nginx,haproxy-tcp,lameduck",
	},
}

// applyPreset applies the preset to the flags that were not given.
func (o *options) applyPreset(given map[string]bool, cases, peers *string) error {
	switch {
	case o.Quick && given["table"]:
		return fmt.Errorf("-table %s: must not be given with -quick", o.Table)
	case o.Quick:
		o.Table = "quick"
	case o.Regress && !given["table"]:
		o.Table = "regress"
	}
	chosen, ok := presets[o.Table]
	if !ok {
		return fmt.Errorf("-table %s: must be full, quick, cost or regress", o.Table)
	}
	o.Quick = o.Table == "quick"
	if !given["rounds"] {
		o.Rounds = chosen.Rounds
	}
	if !given["duration"] {
		o.Duration = chosen.Duration
	}
	if !given["cases"] {
		*cases = chosen.Cases
	}
	if !given["peers"] {
		*peers = chosen.Peers
	}
	return nil
}
