package proxy

import (
	"context"
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"
)

// makesContext reports whether a dialer causes the context of keepDialing to be created.
func makesContext(t *testing.T, dial Dialer) (made bool) {
	t.Helper()
	s := &shared{config: Config{AppWait: time.Minute}}
	watched := func(ctx context.Context) (Conn, error) {
		c, err := dial(ctx)
		made = ctx.(*lazyContext).made != nil
		return c, err
	}
	if _, err := s.keepDialing(t.Context(), watched, nil); err != nil {
		t.Fatal(err)
	}
	return made
}

func TestLazyContext_IsNotMadeForAnAppThatAcceptsAtOnce(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	dial := dialSocket(ln.Addr().String())
	if dial == nil {
		t.Skip("connections are made by package net")
	}
	if makesContext(t, dial) {
		t.Error("a context was created, want none: nothing has waited")
	}
	waits := func(ctx context.Context) (Conn, error) { ctx.Done(); return nil, nil }
	if !makesContext(t, waits) {
		t.Error("no context was created for a dialer that waits")
	}
}

func TestLazyContext_EndsWhenItsTimeIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := waitFor(t.Context(), time.Second)
		defer stop()
		time.Sleep(time.Hour) // nothing waits yet
		if err := ctx.Err(); err != nil {
			t.Fatalf("done before anything waited for it: %v", err)
		}
		begun := time.Now()
		<-ctx.Done()
		if took := time.Since(begun); took != time.Second || ctx.Err() != context.DeadlineExceeded {
			t.Errorf("done after %v with %v, want %v with %v",
				took, ctx.Err(), time.Second, context.DeadlineExceeded)
		}
	})
}

func TestLazyContext_HasTheCauseOfTheOneThatWasMade(t *testing.T) {
	want := errors.New("cause")
	var cancel context.CancelCauseFunc
	l := &lazyContext{parent: t.Context(), make: func(parent context.Context) (made context.Context) {
		made, cancel = context.WithCancelCause(parent)
		return made
	}}
	child, stop := context.WithCancel(l)
	defer stop()
	cancel(want)
	<-child.Done()
	for _, ctx := range []context.Context{l, child} {
		if got := context.Cause(ctx); got != want {
			t.Errorf("cause %v, want %v", got, want)
		}
	}
}

func TestLazyContext_IsNotMadeOnceItIsClosed(t *testing.T) {
	parent, cancel := context.WithCancel(t.Context())
	ctx, stop := waitFor(parent, time.Minute)
	stop()
	if ctx.Done() != parent.Done() || ctx.(*lazyContext).made != nil {
		t.Error("a context was created, and nothing stops its timer")
	}
	cancel()
	if ctx.Err() != context.Canceled {
		t.Errorf("error %v, want the parent's", ctx.Err())
	}
}
