package load

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// first limits arrivals to the first n.
func first(n int, a Arrivals) Arrivals {
	return func(yield func(time.Duration) bool) {
		i := 0
		for due := range a {
			if i == n || !yield(due) {
				return
			}
			i++
		}
	}
}

func config(n int, perSecond float64) Config {
	return Config{Addrs: []string{"x"}, Requests: []Request{{}}, Arrivals: first(n, Constant(perSecond))}
}

func TestRunWithARealServer(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Write(w) // not an echo: the request with its head
	}))
	defer s.Close()
	cfg := config(40, 1000)
	cfg.Addrs = []string{s.Listener.Addr().String()}
	cfg.Requests = []Request{{}, {NewConn: true}, {Method: "POST", Body: 10}}
	res, err := Run(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if got := res.ByCause(); len(got) != 1 || got[Garbled] != 13 {
		t.Errorf("lost %v of %d, want the 13 POSTs as %q", got, res.Requests(), Garbled)
	}
}

func TestInvalidConfigIsRefused(t *testing.T) {
	for name, spoil := range map[string]func(*Config){
		"address":  func(c *Config) { c.Addrs = nil },
		"arrivals": func(c *Config) { c.Arrivals = nil },
		"requests": func(c *Config) { c.Requests = nil },
	} {
		t.Run(name, func(t *testing.T) {
			cfg := config(1, 1)
			spoil(&cfg)
			if _, err := Run(t.Context(), cfg); err == nil {
				t.Errorf("a load without %s was run", name)
			}
		})
	}
}
