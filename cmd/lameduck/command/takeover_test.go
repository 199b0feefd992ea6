package command

import (
	"context"
	"net"
	"strings"
	"testing"

	"lameduck/cmd/lameduck/config"
	"lameduck/lifecycle/takeover"
)

func TestDialTaken_TriesBothFamilies(t *testing.T) {
	for i := range 2 {
		held, err := takeover.Hold("127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer held.Close()
		port, err := takeover.NewPort(held, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		dial := dialTaken(port)
		if _, err := dial(context.Background()); err == nil {
			t.Error("an app that does not listen is reached")
		}
		ln, err := net.Listen("tcp", port.Addresses()[i])
		if err != nil {
			t.Fatal(err)
		}
		c, err := dial(context.Background())
		if err != nil {
			t.Errorf("the app at %v is not reached: %v", ln.Addr(), err)
		} else {
			_ = c.Close()
		}
		_ = ln.Close()
	}
}

func TestObservedPorts_LeaveOutThoseTakenOver(t *testing.T) {
	c, err := loadConfig([]string{"LAMEDUCK_ROUTES=80=takeover,81=8081"})
	if err != nil {
		t.Fatal(err)
	}
	if ports := observedPorts(c); len(ports) != 1 || ports[0].Number != 8081 {
		t.Errorf("observed ports %+v, want only 8081", ports)
	}
}

func TestRefuseTakeover_NamesTheRoute(t *testing.T) {
	err := refuseTakeover(&config.Config{Routes: []config.Route{{App: "127.0.0.1:1"}, {Takeover: true}}})
	if err == nil || !strings.Contains(err.Error(), "LAMEDUCK_ROUTES: route 2") {
		t.Errorf("error %v", err)
	}
	if err := refuseTakeover(&config.Config{Routes: []config.Route{{App: "127.0.0.1:1"}}}); err != nil {
		t.Error(err)
	}
}
