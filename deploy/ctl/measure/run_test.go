package measure

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
)

func TestLimitsEndTheLoad(t *testing.T) {
	t.Parallel()
	cfg := config(t, serve(t, newAborter().ServeHTTP), 0)
	cfg.MaxFailures, cfg.Rate = 3, 20 // so slow that a busy machine keeps up
	if r := run(t, cfg); r.Ended != "failures" || r.Lost < 3 || r.Lost > 20 {
		t.Errorf("ended by %s with %d lost, want by failures with 3 or a few more", r.Ended, r.Lost)
	}
	cfg = config(t, serve(t, newAborter().ServeHTTP), 12)
	if r := run(t, cfg); r.Ended != "requests" || r.Requests != 12 {
		t.Errorf("ended by %s after %d, want by requests after 12", r.Ended, r.Requests)
	}
}

// Each lane keeps its maximum of connections, and uses them in turn. New connections are used once.
func TestConnectionsOfLanes(t *testing.T) {
	t.Parallel()
	for _, p := range []Protocol{HTTP1, HTTP2} {
		var mu sync.Mutex
		uses := map[string]map[string]int{} // by user agent and remote address
		target := serve(t, func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			if uses[r.Method] == nil {
				uses[r.Method] = map[string]int{}
			}
			uses[r.Method][r.RemoteAddr]++
			io.WriteString(w, "ok")
		})
		cfg := config(t, target, 0)
		cfg.Post = nil
		c := newClient(cfg, book(strings.TrimPrefix(target, "http://")))
		kept := Lane{"GET", p, false}
		c.use([]Lane{kept})
		for range 10 {
			if _, err := c.exchange(t.Context(), kept); err != nil {
				t.Fatal(err)
			}
		}
		c.close()
		if conns := uses["GET"]; len(conns) != 2 {
			t.Errorf("%s: 10 requests used %d connections, want both", p, len(conns))
		}
		for addr, n := range uses["GET"] {
			if n != 5 {
				t.Errorf("%s: %s was used %d times, want 5: in turn", p, addr, n)
			}
		}
	}
}

func TestRequestsNameTheirSenderAndCarryTheHeader(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var bad []string
	target := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		if !strings.HasPrefix(r.UserAgent(), "lameduckctl-measure/") || r.Header.Get("X-Test") != "1" ||
			r.Host != "shop.example" || r.Method == "POST" && (string(body) != "order" || r.Header.Get("Content-Type") != "text/x") {
			bad = append(bad, r.Method+" "+r.Proto+" "+r.Host+" "+r.UserAgent()+" "+string(body))
		}
		w.Header().Set("X-Pod", "pod-of-"+r.Method)
	})
	cfg := config(t, target, 40)
	cfg.Protocols = []Protocol{HTTP1, HTTP2}
	cfg.Header = http.Header{"X-Test": {"1"}, "Host": {"shop.example"}}
	cfg.Post.ContentType, cfg.PodHeader = "text/x", "X-Pod"
	r := run(t, cfg)
	if len(bad) > 0 || r.Lost > 0 {
		t.Errorf("%v, lost %v", bad, r.Causes)
	}
	if len(r.Pods) != 2 || r.Pods[0].Requests+r.Pods[1].Requests != 40 {
		t.Errorf("pods %+v, want both with all requests", r.Pods)
	}
}

func TestEveryAddressOfTheNameIsUsed(t *testing.T) {
	names := []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")}
	failing := error(nil)
	b := &addressBook{host: "shop.example", port: "443", leftOut: map[string]string{}}
	b.lookup = func(context.Context, string) ([]netip.Addr, error) { return names, failing }
	picked := func() string { return b.pick() + " " + b.pick() }
	if err := b.refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := picked(); got != "192.0.2.1:443 192.0.2.2:443" {
		t.Errorf("picked %s, want both", got)
	}
	names = []netip.Addr{netip.MustParseAddr("::ffff:192.0.2.3"), netip.MustParseAddr("2001:db8::1")}
	b.refresh(t.Context())
	if got := picked(); got != "192.0.2.3:443 [2001:db8::1]:443" {
		t.Errorf("after a change of the name: picked %s", got)
	}
	b.leave("[2001:db8::1]:443", errors.New("no route"))
	b.refresh(t.Context())
	if got := picked(); got != "192.0.2.3:443 192.0.2.3:443" {
		t.Errorf("without the address that does not work: picked %s", got)
	}
	failing = errors.New("no DNS")
	if err := b.refresh(t.Context()); err == nil || b.pick() != "192.0.2.3:443" {
		t.Errorf("error %v: a failed lookup must not take the addresses away", err)
	}
	if got := strings.Join(b.addresses(), " "); got != "192.0.2.1:443 192.0.2.2:443 192.0.2.3:443" {
		t.Errorf("the report has %s, want all that were used", got)
	}
	if notes := b.notes(); len(notes) != 1 || !strings.Contains(notes[0], "no route") {
		t.Errorf("notes %v, want the reason", notes)
	}
}

func TestInvalidConfigIsRefusedWithAllErrors(t *testing.T) {
	cfg := config(t, "ftp://h/", 0)
	cfg.Rate, cfg.Timeout, cfg.Connections = 0, 0, 0
	_, err := New(t.Context(), cfg)
	for _, want := range []string{"URL", "rate", "timeout", "connections"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not name %s", err, want)
		}
	}
}

func TestStatuses(t *testing.T) {
	for list, want := range map[string]string{"200-399": "200-399", "2xx,404": "200-299,404", " 204 ": "204",
		"": "", "99": "", "300-200": "", "600": "", "2x": "", "abc": ""} {
		s, err := ParseStatuses(list)
		if (err == nil) != (want != "") || s.String() != want {
			t.Errorf("%q: %v, %v, want %q", list, s, err, want)
		}
	}
	s, _ := ParseStatuses("2xx,404")
	for status, want := range map[int]bool{199: false, 200: true, 299: true, 300: false, 404: true} {
		if s.Has(status) != want {
			t.Errorf("%d: %t, want %t", status, !want, want)
		}
	}
}

// Closing an idle connection loses no request. A careful client notices the close
// before it sends.
func TestAnIdleConnectionThatEndsCostsNothing(t *testing.T) {
	t.Parallel()
	addr := script(t, answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")) // and FIN
	cfg := config(t, "http://"+addr, 0)
	cfg.Connections = 1
	l := Lane{"GET", HTTP1, false}
	c := newClient(cfg, book(addr))
	c.use([]Lane{l})
	defer c.close()
	for i := range 3 {
		if _, err := c.exchange(t.Context(), l); err != nil {
			t.Fatalf("request %d: %v", i, err)
		}
		if idle := c.pools1[l].idle; len(idle) == 1 {
			idle[0].arrived <- <-idle[0].arrived // wait until the client has noticed the close
		}
	}
}
