package h1_test

import (
	"testing"

	"lameduck/proxy/h1"
)

func TestAChallengeWithATokenIsWithinAHandshake(t *testing.T) {
	for name, test := range map[string]struct {
		status, fields string
		want           bool
	}{
		"NTLM":                       {"401", "WWW-Authenticate: NTLM TlRM\r\n", true},
		"Negotiate":                  {"401", "www-authenticate:negotiate  YII=\t\r\n", true},
		"of a proxy":                 {"407", "Proxy-Authenticate: NTLM TlRM\r\n", true},
		"among others":               {"401", "WWW-Authenticate: Basic realm=a\r\nWWW-Authenticate: NTLM TlRM\r\nWWW-Authenticate: Digest a\r\n", true},
		"the first of all":           {"401", "WWW-Authenticate: NTLM\r\nWWW-Authenticate: Negotiate \r\n", false},
		"of another scheme":          {"401", "WWW-Authenticate: Basic realm=NTLM\r\n", false},
		"the last token of a server": {"200", "WWW-Authenticate: Negotiate YII=\r\n", false},
		"in another field":           {"401", "X-Authenticate00: NTLM TlRM\r\nContent-Encoding: NTLM TlRM\r\n", false},
		"none":                       {"401", "", false},
	} {
		r, err := h1.ParseResponse([]byte("HTTP/1.1 "+test.status+" A\r\n"+test.fields+"\r\n"), h1.Other)
		if err != nil || r.Handshake != test.want {
			t.Errorf("%s: %v, error %v; want %v", name, r.Handshake, err, test.want)
		}
	}
}
