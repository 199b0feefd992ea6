package redirect

import (
	"reflect"
	"strings"
	"testing"
)

func TestParse_ReadsRedirectsAndWaysAround(t *testing.T) {
	mesh := uint32(1337)
	for args, want := range map[string]Rules{
		"8080=18080": {Ports: []Redirect{{8080, 18080}}},
		"8080=18080 9090=18090 --direct 18091=8080": {
			Ports: []Redirect{{8080, 18080}, {9090, 18090}}, Direct: []Redirect{{18091, 8080}},
		},
		"-direct=18091=8080 --behind-mesh 1337 8080=18080": {
			Ports: []Redirect{{8080, 18080}}, Direct: []Redirect{{18091, 8080}}, Mesh: &mesh,
		},
		"--direct 18091=8080 --direct 18092=8080 8080=1": {
			Ports: []Redirect{{8080, 1}}, Direct: []Redirect{{18091, 8080}, {18092, 8080}},
		},
	} {
		got, err := Parse(strings.Fields(args))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v, want %+v", args, got, err, want)
		}
	}
}

func TestParse_RefusesWhatContradictsItself(t *testing.T) {
	for args, want := range map[string]string{
		"":                               "nothing to redirect",
		"--direct 18091=8080":            "nothing to redirect",
		"8080":                           `got "8080"`,
		"8080=":                          `got "8080="`,
		"0=18080":                        "from 1 to 65535",
		"65536=18080":                    "from 1 to 65535",
		"+80=18080":                      "from 1 to 65535",
		"8080=18080=1":                   "from 1 to 65535",
		"8080=18080 8080=18090":          "port 8080 is redirected twice",
		"8080=18080 9090=18080":          "port 18080 is the relay's for two ports",
		"8080=8080":                      "port 8080 cannot be both the app's and the relay's",
		"8080=18080 18080=9":             "port 18080 cannot be both the app's and the relay's",
		"8080=18080 --direct":            "--direct needs a value",
		"8080=18080 --around 1":          `unexpected argument "--around"`,
		"8080=18080 --direct 18091=9090": "port 9090 is not redirected",
		"8080=18080 --direct 8080=8080":  "port 8080 is used already",
		"8080=18080 --direct 18080=8080": "port 18080 is used already",
		"8080=18080 9=19 --direct 18091=8080 --direct 18091=9": "port 18091 leads to two ports",
		"8080=18080 --behind-mesh istio":                       "must be the user id of the mesh's proxy",
		"8080=18080 --behind-mesh 0":                           "must be the user id of the mesh's proxy",
	} {
		if got, err := Parse(strings.Fields(args)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %+v, %v, want an error with %q", args, got, err, want)
		}
	}
}

// FuzzParse checks that what is accepted is free of contradictions, and means the same when it is
// written out.
func FuzzParse(f *testing.F) {
	f.Add("8080=18080 9090=18090 --direct 18091=8080 --behind-mesh 1337")
	f.Add("--direct=1=2 2=3")
	f.Add("8080=18080 8080=18080")
	f.Fuzz(func(t *testing.T, line string) {
		rules, err := Parse(strings.Fields(line))
		if err != nil {
			return
		}
		ports := make(map[uint16]string)
		for _, p := range rules.Ports {
			for _, port := range []uint16{p.From, p.To} {
				if ports[port] != "" || port == 0 {
					t.Fatalf("%q: port %d has two meanings: %+v", line, port, rules)
				}
				ports[port] = "taken"
			}
		}
		var again []string
		for _, p := range rules.Ports {
			again = append(again, p.String())
		}
		for _, p := range rules.Direct {
			if ports[p.From] != "" || ports[p.To] == "" {
				t.Fatalf("%q: %v does not lead around the relay", line, p)
			}
			ports[p.From] = "taken"
			again = append(again, "--direct", p.String())
		}
		second, err := Parse(again)
		if second.Mesh = rules.Mesh; err != nil || !reflect.DeepEqual(second, rules) {
			t.Fatalf("%q: written out it is %+v, %v, want %+v", line, second, err, rules)
		}
	})
}
