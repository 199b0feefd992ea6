package certs

import (
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
)

// newTestAPIServer serves a memoryCluster by the API server's protocol, to clients with the token.
func newTestAPIServer(t *testing.T, c *memoryCluster) *rest.Config {
	t.Helper()
	reply := func(w http.ResponseWriter, object any, err error) {
		code := http.StatusOK
		switch {
		case errors.Is(err, ErrNotFound):
			code = http.StatusNotFound
		case errors.Is(err, ErrConflict):
			code = http.StatusConflict
		case err != nil:
			code = http.StatusForbidden
		}
		if err != nil {
			object = metav1.Status{Status: metav1.StatusFailure, Message: err.Error(),
				Code: int32(code)}
		}
		w.WriteHeader(code)
		_ = json.NewEncoder(w).Encode(object)
	}
	put := func(w http.ResponseWriter, r *http.Request) {
		s := new(corev1.Secret)
		err := json.NewDecoder(r.Body).Decode(s)
		if err == nil &&
			(s.Name != "certificate" || s.Namespace != namespace || s.Kind != "Secret") {
			err = errors.New("another object")
		}
		if err == nil {
			err = c.PutSecret(r.Context(), s)
		}
		reply(w, s, err)
	}
	mux := http.NewServeMux()
	secrets := "/api/v1/namespaces/" + namespace + "/secrets"
	mux.HandleFunc("GET "+secrets+"/certificate", func(w http.ResponseWriter, r *http.Request) {
		s, err := c.Secret(r.Context())
		reply(w, s, err)
	})
	mux.HandleFunc("PUT "+secrets+"/certificate", put)
	mux.HandleFunc("POST "+secrets, put)
	configuration := "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/lameduck"
	mux.HandleFunc("GET "+configuration, func(w http.ResponseWriter, r *http.Request) {
		m, err := c.Configuration(r.Context())
		reply(w, m, err)
	})
	mux.HandleFunc("PATCH "+configuration, func(w http.ResponseWriter, r *http.Request) {
		patch, err := io.ReadAll(r.Body)
		if err == nil && r.Header.Get("Content-Type") != "application/strategic-merge-patch+json" {
			err = errors.New("another kind of patch")
		}
		if err == nil {
			err = c.PatchConfiguration(r.Context(), patch)
		}
		reply(w, c.configuration, err)
	})
	mux.HandleFunc("GET /version", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"major":"1","gitVersion":"v1.34.4"}`)
	})
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer token" {
			reply(w, nil, errors.New("who are you"))
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	return &rest.Config{Host: server.URL, BearerToken: "token",
		TLSClientConfig: rest.TLSClientConfig{CAData: ca}}
}

func newTestClient(t *testing.T, config *rest.Config) *APIServer {
	t.Helper()
	a, err := NewAPIServer(config, namespace, "certificate", "lameduck")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.client.CloseIdleConnections)
	return a
}

func TestTheClientSpeaksTheAPIServersProtocol(t *testing.T) {
	for name, there := range map[string]bool{"the Secret is there": true, "it is made": false} {
		t.Run(name, func(t *testing.T) {
			c := newMemoryCluster()
			if !there {
				c.secret = nil
			}
			a := newTestClient(t, newTestAPIServer(t, c))
			rotator := newTestRotator(a)
			if err := rotator.syncOnce(t.Context()); err != nil {
				t.Fatal(err)
			}
			expectTrusted(t, rotator, c.bundle())
			err := rotator.syncOnce(t.Context())
			if err != nil || c.secretWrites != 1 || c.configWrites != 1 {
				t.Errorf("the second round writes too: %d, %d, error %v", c.secretWrites,
					c.configWrites,
					err)
			}
			if v, err := a.Version(t.Context()); v != "v1.34.4" || err != nil {
				t.Errorf("version %s, error %v", v, err)
			}
		})
	}
}

func TestErrorsOfTheAPIServerAreReturned(t *testing.T) {
	c := newMemoryCluster()
	config := newTestAPIServer(t, c)
	a := newTestClient(t, config)
	secret, err := a.Secret(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	secret.ResourceVersion = "0"
	if err := a.PutSecret(t.Context(), secret); !errors.Is(err, ErrConflict) {
		t.Errorf("a stale Secret: %v", err)
	}
	stale := []byte(`{"metadata":{"resourceVersion":"0"},
		"webhooks":[{"name":"inject.lameduck.dev","failurePolicy":"Ignore"}]}`)
	if err := a.PatchConfiguration(t.Context(), stale); !errors.Is(err, ErrConflict) {
		t.Errorf("a stale configuration: %v", err)
	}
	c.secret, c.configuration = nil, nil
	if _, err := a.Secret(t.Context()); !errors.Is(err, ErrNotFound) {
		t.Errorf("no Secret: %v", err)
	}
	if _, err := a.Configuration(t.Context()); !errors.Is(err, ErrNotFound) {
		t.Errorf("no configuration: %v", err)
	}
	config.BearerToken = "another"
	_, err = newTestClient(t, config).Secret(t.Context())
	if err == nil || !strings.Contains(err.Error(), "secrets/certificate: who are you") {
		t.Errorf("no right: %v", err)
	}
}
