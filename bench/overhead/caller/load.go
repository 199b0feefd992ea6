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

// A load is a configured load.
type load struct {
	connections int
	calls       int // at a time on each
	duration    time.Duration
	address     string
	method      string
}

// A summary is the printed result.
type summary struct {
	Calls   int64   `json:"calls"`
	Seconds float64 `json:"seconds"`
}

// callTimeout bounds one call.
const callTimeout = 10 * time.Second

// run makes calls for the duration, and returns once all are answered or one has failed.
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

// dial returns a client with a single connection, which it makes at the first call.
func (l load) dial() (*grpc.ClientConn, error) {
	return grpc.NewClient("passthrough:///"+l.address, grpc.WithNoProxy(),
		grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDefaultCallOptions(grpc.ForceCodec(raw{})))
}

// message is the request and the expected response.
var message = bytes.Repeat([]byte("x"), 16)

func call(ctx context.Context, conn *grpc.ClientConn, method string) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	var answer []byte
	if err := conn.Invoke(ctx, method, &message, &answer); err != nil {
		return fmt.Errorf("call %s: %w", method, err)
	}
	if !bytes.Equal(answer, message) {
		return fmt.Errorf("call %s: got the response %q", method, answer)
	}
	return nil
}

// raw is a codec for messages that are plain bytes.
type raw struct{}

var errNoBytes = errors.New("message is not a *[]byte")

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
