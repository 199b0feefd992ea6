package handshake

import (
	"crypto/tls"
	"testing"
)

func TestCheckRefusesAnotherSuiteOrKindOfHandshake(t *testing.T) {
	for _, c := range []struct {
		state   tls.ConnectionState
		resumed bool
		ok      bool
	}{
		{tls.ConnectionState{CipherSuite: Suite}, false, true},
		{tls.ConnectionState{CipherSuite: Suite, DidResume: true}, true, true},
		{tls.ConnectionState{CipherSuite: Suite}, true, false},
		{tls.ConnectionState{CipherSuite: Suite, DidResume: true}, false, false},
		{tls.ConnectionState{CipherSuite: tls.TLS_AES_256_GCM_SHA384}, false, false},
	} {
		if err := Check(c.state, c.resumed); (err == nil) != c.ok {
			t.Errorf("Check of suite %x, resumed %t, wanted %t = %v",
				c.state.CipherSuite, c.state.DidResume, c.resumed, err)
		}
	}
}
