package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// callerProgram is the load generator with grpc-go's client.
const callerProgram = "lameduck/bench/overhead/caller"

// callerCase checks that no call of a real client fails, in one round.
func callerCase() benchCase {
	title := "a check that no unary call of grpc-go's client fails, 8 connections with 8 calls at a time; " +
		"the client limits its values, not the proxy"
	c := loadCase("grpc-go", title, 1.0/5, callerLoad{}, microseconds)
	c.Protocol, c.Program = grpc, callerProgram
	c.RoundStep, c.Check = 0, true
	return c
}

// A callerLoad is the default load of the caller.
type callerLoad struct{}

// send runs the caller.
func (callerLoad) send(ctx context.Context, at paths, d time.Duration, set unix.CPUSet) (outcome, error) {
	program := at.built(callerProgram)
	text, err := runOn(ctx, set, nil, program, "-duration="+d.String(), at.Listen, callPath)
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
		return outcome{}, fmt.Errorf("read the output of caller: %w", err)
	}
	if s.Calls == 0 || s.Seconds == 0 {
		return outcome{}, fmt.Errorf("read the output of caller: no calls in %q", text)
	}
	return outcome{Answers: s.Calls, Seconds: s.Seconds}, nil
}
