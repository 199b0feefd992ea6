package tlsterm

import "testing"

func TestChooseALPN(t *testing.T) {
	yes, no := func() bool { return true }, func() bool { return false }
	notAsked := func() bool { t.Error("the app was asked although its answer does not matter"); return false }
	for _, test := range []struct {
		content Content
		offered []string
		http2   func() bool
		want    string
	}{
		{Any, nil, notAsked, ""},
		{Any, []string{"http/1.1"}, notAsked, "http/1.1"},
		{Any, []string{"http/1.0"}, notAsked, "http/1.0"},
		{Any, []string{"http/1.0", "http/1.1"}, notAsked, "http/1.1"},
		{Any, []string{"istio-http/1.1", "http/1.1"}, notAsked, "http/1.1"},
		{Any, []string{"http/1.1", "h2"}, yes, "h2"},
		{Any, []string{"h2", "http/1.1"}, no, "http/1.1"},
		{Any, []string{"h2", "http/1.0"}, no, "http/1.0"},
		{Any, []string{"h2"}, notAsked, "h2"},
		{Any, []string{"grpc-exp", "h2"}, notAsked, "h2"},
		{Any, []string{"mqtt"}, notAsked, "mqtt"},
		{Any, []string{"postgresql"}, notAsked, "postgresql"},
		{Any, []string{"x-amzn-mqtt-ca", "mqtt"}, notAsked, "x-amzn-mqtt-ca"},

		{HTTP1, nil, notAsked, ""},
		{HTTP1, []string{"h2", "http/1.1"}, notAsked, "http/1.1"},
		{HTTP1, []string{"http/1.0"}, notAsked, "http/1.0"},
		{HTTP1, []string{"h2"}, notAsked, "http/1.1"}, // and is refused
		{HTTP1, []string{"mqtt"}, notAsked, "http/1.1"},

		{HTTP2, nil, notAsked, ""},
		{HTTP2, []string{"h2", "http/1.1"}, notAsked, "h2"},
		{HTTP2, []string{"http/1.1"}, notAsked, "h2"},

		{Other, nil, notAsked, ""},
		{Other, []string{"imap"}, notAsked, "imap"},
		{Other, []string{"http/1.1", "imap"}, notAsked, "imap"},
		{Other, []string{"h2", "http/1.1"}, notAsked, ""},
		{Other, []string{"h2"}, notAsked, "h2"},
	} {
		if got := test.content.choose(test.offered, test.http2); got != test.want {
			t.Errorf("content %v: a client that offers %v gets %q, want %q", test.content, test.offered, got, test.want)
		}
	}
}
