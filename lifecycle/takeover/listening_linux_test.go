package takeover

import (
	"fmt"
	"testing"
)

// A bind of another TCP port is recorded for the warning.
func TestPortsThatStayAreRemembered(t *testing.T) {
	t.Parallel()
	free, err := freePort(nil)
	if err != nil {
		t.Fatal(err)
	}
	udp, err := freePort([]uint16{free})
	if err != nil {
		t.Fatal(err)
	}
	bind := fmt.Sprint("bind:", free)
	c := startChild(t, "socket:udp4", fmt.Sprint("bind:", udp), "socket:tcp4", "bind:0", "socket:only6+", bind, "socket:only6+", bind)
	for range 4 {
		c.lines.Scan()
	}
	if got := c.others.list(); len(got) != 1 || got[0] != free {
		t.Errorf("recorded ports %v, want %d", got, free)
	}
	if c.port.Listening() {
		t.Error("the app counts as listening at its port")
	}
}

func TestAnAppThatListensIsNoticed(t *testing.T) {
	t.Parallel()
	c := startChild(t, "socket:tcp4", "bind:PORT", "listen")
	c.wantLine(t, "bind ok 127.0.0.1:MOVED")
	c.wantLine(t, "listen ok")
	if !c.port.Listening() || len(c.others.list()) > 0 {
		t.Errorf("listening: %v; recorded ports %v", c.port.Listening(), c.others.list())
	}
}
