package command

import (
	"testing"

	"go.uber.org/zap"

	"lameduck/cmd/lameduck/config"
	"lameduck/proxy"
)

// The connections of a relay are not the observer's traffic, but the kernel prepares reports of them.
func TestObserverConfig_HasTheConnectionsThatLameduckMakesItself(t *testing.T) {
	for name, test := range map[string]struct {
		routes []config.Route
		relays bool
	}{
		"without a route": {},
		"with a route":    {[]config.Route{{Listen: ":18080", App: "127.0.0.1:8080"}}, true},
	} {
		p := &process{
			config: &config.Config{Observe: []uint16{9090}, Routes: test.routes},
			log:    &logger{Logger: zap.NewNop()},
			server: new(proxy.Server),
		}
		c := p.observerConfig()
		if relays, alone := c.Relayed != nil, c.Accepted != nil; relays != test.relays || alone == test.relays {
			t.Errorf("%s: it knows the relayed connections: %v, and its own: %v", name, relays, alone)
		}
	}
}
