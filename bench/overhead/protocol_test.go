package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
)

// needTools skips a test that cannot do without programs that are missing, but
// not in CI.
func needTools(t *testing.T, tools ...tool) {
	t.Helper()
	err := requireTools(tools)
	switch {
	case err == nil:
	case os.Getenv("CI") == "true":
		t.Fatal(err)
	default:
		t.Skip(err)
	}
}

// startedApp starts the app of a protocol.
func startedApp(t *testing.T, spoken protocol) *instance {
	t.Helper()
	if program := spoken.app().Tool; program != (tool{}) {
		needTools(t, program)
	}
	b, err := newBench(options{Cases: []benchCase{{Protocol: spoken}}})
	if err != nil {
		t.Skip(err) // one core
	}
	t.Cleanup(func() { b.close() })
	if err := b.startApps(t.Context()); err != nil {
		t.Fatal(err)
	}
	return b.apps[spoken]
}

func TestAppsAnswerWhatIsSpokenToThem(t *testing.T) {
	for _, spoken := range everything() {
		t.Run(spoken.String(), func(t *testing.T) {
			app := startedApp(t, spoken)
			if err := spoken.check(t.Context(), app.paths.Listen); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestAppsOfOneProtocolDoNotPassForAnother(t *testing.T) {
	address := startedApp(t, h2c).paths.Listen
	for _, spoken := range everything() {
		if err := spoken.greet(t.Context(), address); (err == nil) != (spoken == h2c) {
			t.Errorf("the app of %s is greeted in %s: %v", h2c, spoken, err)
		}
	}
}

// serveH2C serves HTTP/2 without TLS.
func serveH2C(t *testing.T, answer http.HandlerFunc) (address string) {
	t.Helper()
	server := httptest.NewUnstartedServer(answer)
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

func TestGreetingsRefuseOtherAnswers(t *testing.T) {
	for _, c := range []struct {
		spoken protocol
		answer http.HandlerFunc
		want   string
	}{
		{h2c, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }, "502 Bad Gateway"},
		{h2c, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "short") }, "got 5 bytes, want 64"},
		{grpc, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }, "502 Bad Gateway"},
		{grpc, callAnswer("text/plain", "0"), `of type "text/plain"`},
		{grpc, callAnswer("application/grpc", "14"), "got the trailers map[Grpc-Status:[14]]"},
		{grpc, callAnswer("application/grpc", ""), "got the trailers map[]"},
	} {
		err := c.spoken.greet(t.Context(), serveH2C(t, c.answer))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: the error is %v, want %q in it", c.spoken, err, c.want)
		}
	}
	if err := grpc.greet(t.Context(), serveH2C(t, callAnswer("application/grpc", "0"))); err != nil {
		t.Errorf("a call with a correct answer: %v", err)
	}
}

// callAnswer answers a call; without a status it sends no trailers.
func callAnswer(contentType, status string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.Write(message())
		if status != "" {
			w.Header().Set(http.TrailerPrefix+"Grpc-Status", status)
		}
	}
}
