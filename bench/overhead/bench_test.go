package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// sift tries four peers, of which some are missing or fail with a protocol, and
// returns those that are left.
func dropUnavailable(ctx context.Context, named bool, failing ...string) (*bench, string, error) {
	b := &bench{opts: options{Named: named, Cases: []benchCase{{}, {Protocol: h2c}, {Protocol: h2c}}}}
	for _, name := range []string{direct, "nginx", "caddy", lameduck} {
		b.opts.Peers = append(b.opts.Peers, peer{Name: name, Speaks: []protocol{http1, h2c, grpc}})
	}
	b.opts.Peers[1].Speaks = []protocol{http1}
	var said strings.Builder
	find := func(p peer) error {
		if slices.Contains(failing, p.Name) {
			return errors.New(p.Name + " is not installed: apt-get install it\nand more")
		}
		return nil
	}
	try := func(p peer, spoken protocol) error {
		if slices.Contains(failing, fmt.Sprint(p.Name, " ", spoken)) {
			return fmt.Errorf("it does not understand %s", spoken)
		}
		return nil
	}
	err := b.dropUnavailable(ctx, &said, find, try)
	return b, said.String(), err
}

func TestPeersThatCannotRunAreLeftOut(t *testing.T) {
	b, said, err := dropUnavailable(t.Context(), false, "caddy", "nginx")
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
		t.Errorf("notes %q, said was %q, want a line for each", b.results.notes, said)
	}
}

func TestPeersAreLeftOutOfWhatTheyDoNotSpeak(t *testing.T) {
	b, said, err := dropUnavailable(t.Context(), false, "caddy h2c", "nginx HTTP/1.1")
	if err != nil {
		t.Fatal(err)
	}
	want := "nginx is left out of HTTP/1.1: it does not understand HTTP/1.1\ncaddy is left out of h2c: it does not understand h2c\n"
	if said != want {
		t.Errorf("said was %q, want %q", said, want)
	}
	speaks := map[string][]protocol{direct: {http1, h2c}, "caddy": {http1}, lameduck: {http1, h2c}} // nginx has no protocol left
	for _, p := range b.opts.Peers {
		if !slices.Equal(p.Speaks, speaks[p.Name]) {
			t.Errorf("%s has the protocols %v left, want %v", p.Name, p.Speaks, speaks[p.Name])
		}
	}
	if len(b.opts.Peers) != len(speaks) {
		t.Errorf("left are %v", peerNames(b.opts.Peers))
	}
}

func TestPeersThatAreNamedMustRun(t *testing.T) {
	if _, _, err := dropUnavailable(t.Context(), true, "caddy"); err == nil || !strings.Contains(err.Error(), "apt-get install it") {
		t.Errorf("error %v, want the remedy", err)
	}
	for _, failing := range []string{lameduck, lameduck + " h2c"} {
		if _, _, err := dropUnavailable(t.Context(), false, failing); err == nil {
			t.Errorf("a run without %s", failing)
		}
	}
}

func TestInterruptedPreparationIsNotAMissingPeer(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, said, err := dropUnavailable(ctx, false, "caddy"); !errors.Is(err, errInterrupted) || said != "" {
		t.Errorf("error %v, said was %q", err, said)
	}
}

func TestAppBearsAllThatMeetThere(t *testing.T) {
	b := &bench{opts: options{
		Cases: []benchCase{{Batch: 3, Connections: 1000}, {Batch: 1, Connections: 2000}, {}},
		Peers: make([]peer, 2),
	}}
	if got := b.appConnections(); got < 3000+2*(pool+throughputConnections) {
		t.Errorf("the app bears %d connections", got)
	}
}

func TestAFailedStepIsMeasuredOnceMore(t *testing.T) {
	for failures, wantErr := range map[int]bool{0: false, 1: false, 2: true} {
		calls := 0
		c := benchCase{Name: "keepalive", measure: func(context.Context, *bench, step) ([]measurement, error) {
			if calls++; calls <= failures {
				return nil, errors.New("0 were answered")
			}
			return []measurement{{}}, nil
		}}
		b := &bench{}
		got, err := b.measureStep(t.Context(), step{Case: c, Peers: []peer{{Name: "nginx"}}})
		if (err != nil) != wantErr || !wantErr && len(got) != 1 {
			t.Errorf("after %d failures: %v, %v", failures, got, err)
		}
		if want := min(failures, 1); len(b.results.notes) != want {
			t.Errorf("after %d failures the notes are %q", failures, b.results.notes)
		}
	}
}
