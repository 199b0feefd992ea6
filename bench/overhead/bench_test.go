package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
)

// sift tries four peers, of which some fail, and returns those that are left.
func sift(ctx context.Context, named bool, failing ...string) (*bench, string, error) {
	b := &bench{opts: options{Named: named}}
	for _, name := range []string{direct, "nginx", "caddy", lameduck} {
		b.opts.Peers = append(b.opts.Peers, peer{Name: name})
	}
	var said strings.Builder
	err := b.sift(ctx, &said, func(p peer) error {
		if slices.Contains(failing, p.Name) {
			return errors.New(p.Name + " is not installed: apt-get install it\nand more")
		}
		return nil
	})
	return b, said.String(), err
}

func TestPeersThatCannotRunAreLeftOut(t *testing.T) {
	b, said, err := sift(t.Context(), false, "caddy", "nginx")
	if err != nil {
		t.Fatal(err)
	}
	if got := peerNames(b.opts.Peers); !slices.Equal(got, []string{direct, lameduck}) {
		t.Errorf("left are %v", got)
	}
	want := []string{
		"nginx is left out: nginx is not installed: apt-get install it",
		"caddy is left out: caddy is not installed: apt-get install it",
	}
	if !slices.Equal(b.results.notes, want) || said != strings.Join(want, "\n")+"\n" {
		t.Errorf("the notes are %q, said was %q, want a line for each", b.results.notes, said)
	}
}

func TestPeersThatAreNamedMustRun(t *testing.T) {
	if _, _, err := sift(t.Context(), true, "caddy"); err == nil || !strings.Contains(err.Error(), "apt-get install it") {
		t.Errorf("the error is %v, want the remedy", err)
	}
	if _, _, err := sift(t.Context(), false, lameduck); err == nil {
		t.Error("there is a run without lameduck")
	}
}

func TestInterruptedPreparationIsNoMissingPeer(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, said, err := sift(ctx, false, "caddy"); !errors.Is(err, errInterrupted) || said != "" {
		t.Errorf("the error is %v, said was %q", err, said)
	}
}

func TestAppBearsAllThatMeetThere(t *testing.T) {
	b := &bench{opts: options{
		Cases: []benchCase{{Together: 3, Connections: 1000}, {Together: 1, Connections: 2000}, {}},
		Peers: make([]peer, 2),
	}}
	if got := b.appConnections(); got < 3000+2*(pool+throughputConnections) {
		t.Errorf("the app bears %d connections", got)
	}
}
