package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// callerProgram is grpc-go's client as a load.
const callerProgram = "lameduck/bench/overhead/caller"

// callerCase makes calls with a real client, in one round: that none fails is
// what it is for.
func callerCase() benchCase {
	c := loadCase("grpc-go", "a check that no unary call of grpc-go's client fails, 8 connections with 8 at a time; its figures are more the client's than the proxy's", 1.0/5, callerLoad{}, microseconds)
	c.Protocol, c.Program = grpc, callerProgram
	c.Every, c.Check = 0, true
	return c
}

// A callerLoad is what the caller is asked to send, by its defaults.
type callerLoad struct{}

// send runs the caller, which fails with the first call that does.
func (callerLoad) send(ctx context.Context, at place, d time.Duration, set unix.CPUSet) (outcome, error) {
	text, err := runOn(ctx, set, nil, at.built(callerProgram), "-duration="+d.String(), at.Listen, callPath)
	if err != nil {
		return outcome{}, err
	}
	return parseCaller(text)
}

func parseCaller(text []byte) (outcome, error) {
	var s struct {
		Calls   float64 `json:"calls"`
		Seconds float64 `json:"seconds"`
	}
	if err := json.Unmarshal(text, &s); err != nil {
		return outcome{}, fmt.Errorf("read what the caller printed: %w", err)
	}
	if s.Calls == 0 || s.Seconds == 0 {
		return outcome{}, fmt.Errorf("read what the caller printed: no calls in %q", text)
	}
	return outcome{Answers: s.Calls, Seconds: s.Seconds}, nil
}
