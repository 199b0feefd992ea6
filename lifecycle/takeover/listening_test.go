package takeover

import (
	"context"
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

// waitingPort returns a port at which the app does not listen yet.
func waitingPort(t *testing.T) *Port {
	t.Helper()
	p, err := NewPort(hold(t, "127.0.0.1:0"), nil, func(string, netip.AddrPort) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestAnAppThatListensElsewhereIsLogged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zap.WarnLevel)
		slow, fine := waitingPort(t), waitingPort(t)
		tk := New([]*Port{slow, fine}, zap.New(core))
		go tk.WarnOfMissingListeners(t.Context())
		for port := range uint16(2 * maxOthers) { // 0 stands for any port
			for range 2 {
				if tk.others.wants(port) {
					tk.others.add(port)
				}
			}
		}
		time.Sleep(listenWait - time.Second)
		if err := fine.open(netip.MustParseAddr("127.0.0.1")); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if logs.Len() > 0 {
			t.Errorf("warnings after %s: %v, want none", listenWait-time.Second, logs.All())
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if logs.Len() != 1 {
			t.Fatalf("warnings %v, want one", logs.All())
		}
		fields := logs.All()[0].ContextMap()
		if fields["port"] != slow.Number() || fmt.Sprint(fields["bound_instead"]) != "[1 2 3 4 5 6 7 8]" {
			t.Errorf("fields of the warning: %v", fields)
		}
		time.Sleep(time.Hour)
		if logs.Len() != 1 {
			t.Errorf("%d warnings, want none", logs.Len())
		}
	})
}

func TestAnAppThatEndsInTimeIsNotLogged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zap.WarnLevel)
		ctx, end := context.WithTimeout(t.Context(), listenWait-time.Second)
		defer end()
		New([]*Port{waitingPort(t)}, zap.New(core)).WarnOfMissingListeners(ctx)
		if logs.Len() > 0 || ctx.Err() == nil {
			t.Errorf("warnings %v, want none", logs.All())
		}
	})
}
