package config

import (
	"strings"
	"testing"
)

// One request through a route to itself would use up all connections.
func TestRoutes_NoSpellingLeadsToItself(t *testing.T) {
	for _, test := range []struct{ listen, app string }{
		{"18080", "localhost:18080"},
		{"18080", "LocalHost.:18080"},
		{"18080", "app.localhost:18080"},
		{"18080", "ip6-localhost:18080"},
		{"127.0.0.1:18080", "localhost:18080"},
		{"[::1]:18080", "localhost:18080"},
		{"localhost:18080", "127.0.0.1:18080"},
		{"localhost:18080", "LOCALHOST:18080"},
		{"localhost:18080", "[::1]:18080"},
		{"0.0.0.0:18080", "127.0.0.2:18080"},
		{"127.0.0.1:18080", "[::ffff:127.0.0.1]:18080"},
		{"[::1]:18080", "[0:0:0:0:0:0:0:1]:18080"},
		{"10.0.0.5:18080", "[::ffff:10.0.0.5]:18080"},
		{"my-pod:18080", "My-Pod:18080"},
		{"127.0.0.1:18080", "0.0.0.0:18080"},
	} {
		_, err := ParseRoute(test.listen + "=" + test.app)
		if err == nil || !strings.Contains(err.Error(), "it relays to itself") {
			t.Errorf("%s=%s: the error is %v", test.listen, test.app, err)
		}
	}
}

func TestRoutes_OnePortHasSeveralAddresses(t *testing.T) {
	for _, route := range []string{
		"10.0.0.5:8080=8080", "10.0.0.5:8080=localhost:8080", "127.0.0.2:8080=localhost:8080",
		"127.0.0.1:8080=127.0.0.2:8080", "8080=other-host:8080", "8080=10.0.0.5:8080", "[::1]:8080=127.0.0.1:8080",
		"8080=localhost:8081", "8080=notlocalhost:8080",
	} {
		if _, err := ParseRoute(route); err != nil {
			t.Errorf("%s: %v", route, err)
		}
	}
}

func TestListeners_AreComparedInEverySpelling(t *testing.T) {
	for name, test := range map[string]struct{ lines, want string }{
		"a route to the admin port by name": {"ROUTES=18080=localhost:18081", "must not relay to localhost:18081"},
		"a fallback to the route by name":   {"FALLBACK=localhost:18080", "leads back to the route itself"},
		"admin and control at localhost":    {"ADMIN=localhost:18082", "CONTROL: must not listen at 127.0.0.1:18082"},
	} {
		if _, err := Parse(variables(test.lines)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: the error is %v, want %q", name, err, test.want)
		}
	}
}
