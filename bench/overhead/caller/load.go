package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// A load is what the arguments ask for.
type load struct {
	connections int
	calls       int // at a time on each
	duration    time.Duration
	address     string
	method      string
}

// A summary is what is printed.
type summary struct {
	Calls   int64   `json:"calls"`
	Seconds float64 `json:"seconds"`
}

// patience is how long a call may take.
const patience = 10 * time.Second

// run makes calls until the duration is over, and returns once all are
// answered. The first one that fails ends it.
func (l load) run(ctx context.Context) (summary, error) {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	var answered atomic.Int64
	var callers sync.WaitGroup
	began := time.Now()
	for range l.connections {
		conn, err := l.dial()
		if err != nil {
			return summary{}, err
		}
		defer conn.Close()
		for range l.calls {
			callers.Go(func() {
				for ctx.Err() == nil && time.Since(began) < l.duration {
					if err := call(ctx, conn, l.method); err != nil {
						fail(err)
						return
					}
					answered.Add(1)
				}
			})
		}
	}
	callers.Wait()
	return summary{answered.Load(), time.Since(began).Seconds()}, context.Cause(ctx)
}

// dial returns a client that has, or makes, one connection.
func (l load) dial() (*grpc.ClientConn, error) {
	return grpc.NewClient("passthrough:///"+l.address, grpc.WithNoProxy(),
		grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDefaultCallOptions(grpc.ForceCodec(raw{})))
}

// message is what is sent and what has to come back.
var message = bytes.Repeat([]byte("x"), 16)

func call(ctx context.Context, conn *grpc.ClientConn, method string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var answer []byte
	if err := conn.Invoke(ctx, method, &message, &answer); err != nil {
		return fmt.Errorf("call %s: %w", method, err)
	}
	if !bytes.Equal(answer, message) {
		return fmt.Errorf("call %s: the answer is %q", method, answer)
	}
	return nil
}

// raw is a codec for messages that are bytes and nothing more.
type raw struct{}

var errNoBytes = errors.New("a message is no []byte")

func (raw) Name() string { return "raw" }

func (raw) Marshal(v any) ([]byte, error) {
	b, ok := v.(*[]byte)
	if !ok {
		return nil, errNoBytes
	}
	return *b, nil
}

func (raw) Unmarshal(data []byte, v any) error {
	b, ok := v.(*[]byte)
	if !ok {
		return errNoBytes
	}
	*b = bytes.Clone(data)
	return nil
}
