package main

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// started is the address of a gRPC server that answers every call in one way.
func started(t *testing.T, answer func(message []byte) ([]byte, error)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	handler := func(_ any, stream grpc.ServerStream) error {
		var asked []byte
		if err := stream.RecvMsg(&asked); err != nil {
			return err
		}
		b, err := answer(asked)
		if err != nil {
			return err
		}
		return stream.SendMsg(&b)
	}
	server := grpc.NewServer(grpc.ForceServerCodec(raw{}), grpc.UnknownServiceHandler(handler))
	t.Cleanup(server.Stop)
	go server.Serve(l)
	return l.Addr().String()
}

func TestCallsAreCounted(t *testing.T) {
	address := started(t, func(b []byte) ([]byte, error) { return b, nil })
	const none = `{"calls":0`
	printed := none
	for d := 100 * time.Millisecond; strings.HasPrefix(printed, none) && d < time.Minute; d *= 2 { // the machine may be busy
		var out strings.Builder
		args := fmt.Sprintf("-connections 2 -calls 3 -duration %v %s /a.B/C", d, address)
		if err := run(t.Context(), strings.Fields(args), &out, io.Discard); err != nil {
			t.Fatal(err)
		}
		printed = out.String()
	}
	if !strings.HasPrefix(printed, `{"calls":`) || strings.HasPrefix(printed, none) {
		t.Errorf("printed is %q", printed)
	}
}

func TestCallsThatFailAreErrors(t *testing.T) {
	for want, answer := range map[string]func([]byte) ([]byte, error){
		"Unavailable":         func([]byte) ([]byte, error) { return nil, status.Error(codes.Unavailable, "gone") },
		`got the response "y`: func([]byte) ([]byte, error) { return []byte("yes"), nil },
	} {
		err := run(t.Context(), strings.Fields("-duration 1m "+started(t, answer)+" /a.B/C"), io.Discard, io.Discard)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q in it", err, want)
		}
	}
}

func TestArgumentsThatMakeNoSenseAreRefused(t *testing.T) {
	for args, want := range map[string]string{
		"":                           "want an address and a method",
		"-calls 0 127.0.0.1:1 /a":    "-calls 0",
		"-duration 0s 127.0.0.1:1 /": "-duration 0s",
		"-fast":                      "-fast",
		"127.0.0.1:1 /a.B/C":         "refused",
	} {
		err := run(t.Context(), strings.Fields(args), io.Discard, io.Discard)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: the error is %v, want %q in it", args, err, want)
		}
	}
}
