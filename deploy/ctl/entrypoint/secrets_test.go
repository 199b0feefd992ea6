package entrypoint

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	corev1 "k8s.io/api/core/v1"
)

// dialing returns a transport that connects to an address, regardless of the URL.
func dialing(to net.Addr) *http.Transport {
	return &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, to.Network(), to.String())
		},
		TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12},
	}
}

// Secrets, which no error may contain.
const (
	user     = "tim"
	password = "correct-horse-battery"
	token    = "battery-token-horse"
)

// tokens asks for a token, and gives one to the user.
type tokens struct{ http.Handler }

func (h *tokens) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, given, _ := r.BasicAuth()
	switch {
	case r.URL.Path == "/token" && name == user && given == password:
		fmt.Fprintf(w, `{"token": %q}`, token)
	case r.URL.Path == "/token":
		http.Error(w, `{"errors": [{"code": "DENIED", "message": "`+given+` is wrong"}]}`, http.StatusUnauthorized)
	case r.Header.Get("Authorization") == "Bearer "+token:
		h.Handler.ServeHTTP(w, r)
	default:
		w.Header().Set("WWW-Authenticate", `Bearer realm="https://`+host+`/token",service="`+host+`"`)
		http.Error(w, `{"errors": [{"code": "UNAUTHORIZED", "message": "no token"}]}`, http.StatusUnauthorized)
	}
}

func auth(secret string) string {
	return base64.StdEncoding.EncodeToString([]byte(user + ":" + secret))
}

// clusterSecrets are the Secrets of the namespace shop.
func clusterSecrets(_ context.Context, namespace, name string) (*corev1.Secret, error) {
	texts := map[string]struct{ key, text string }{
		"good":   {corev1.DockerConfigJsonKey, `{"auths": {"` + host + `": {"auth": "` + auth(password) + `"}}}`},
		"old":    {corev1.DockerConfigKey, `{"https://` + host + `/v1/": {"username": "` + user + `", "password": "` + password + `"}}`},
		"wrong":  {corev1.DockerConfigJsonKey, `{"auths": {"` + host + `": {"auth": "` + auth("wrong-"+password) + `"}}}`},
		"other":  {corev1.DockerConfigJsonKey, `{"auths": {"other.test": {"auth": "` + auth(password) + `"}}}`},
		"broken": {corev1.DockerConfigJsonKey, `{"auths": "` + password},
		"opaque": {"password", password},
	}
	s, is := texts[name]
	if !is || namespace != "shop" {
		return nil, errors.New("secrets is forbidden: " + password)
	}
	return &corev1.Secret{Data: map[string][]byte{s.key: []byte(s.text)}}, nil
}

func TestThePullSecretsOfThePod(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	h.push(host+"/app:1", image(t, "linux", nginx))
	h.handler = &tokens{h.handler}
	a := h.asker(PullSecrets(clusterSecrets, []string{"good", "old", "wrong", "other", "broken", "opaque", "gone"}))
	for _, tc := range []struct {
		secrets string
		want    string // a part of the error; empty for success
	}{
		{"good", ""}, {"old", ""}, {"broken good", ""}, {"other gone good", ""},
		{"", "registry registry.test denies access to the image"},
		{"wrong", "denies access"}, {"other", "denies access"},
		{"gone", "denies access to the image (Secret gone cannot be read)"},
		{"broken opaque", "(Secret broken is malformed, Secret opaque is malformed)"},
		{"unlisted", "(Secret unlisted is not one of --entrypoint-secrets)"},
	} {
		config, problem := ask(t.Context(), a, host+"/app:1", strings.Fields(tc.secrets)...)
		if tc.want == "" && words(config) != nginxWords || !strings.Contains(problem, tc.want) {
			t.Errorf("%s: the answer is %+v, error %q, want %q", tc.secrets, config, problem, tc.want)
		}
		expectNoSecret(t, problem)
	}
}

// A result that one namespace may have is not returned to another.
func TestADeniedAnswerIsNotInTheCache(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	digest := h.push(host+"/app:1", image(t, "linux", nginx))
	h.handler = &tokens{h.handler}
	a := h.asker(PullSecrets(clusterSecrets, []string{"good"}))
	for range 2 {
		if config, problem := ask(t.Context(), a, host+"/app@"+digest, "good"); words(config) != nginxWords {
			t.Errorf("answer %+v, error %s", config, problem)
		}
	}
	if config, problem := ask(t.Context(), a, host+"/app@"+digest); !strings.Contains(problem, "denies access") {
		t.Errorf("answer %+v, error %q", config, problem)
	}
}

func expectNoSecret(t *testing.T, text string) {
	t.Helper()
	for _, secret := range []string{user, password, token, auth(password), "horse"} {
		if strings.Contains(text, secret) {
			t.Errorf("the text has the secret %s: %s", secret, text)
		}
	}
}

// Reasons never repeat the text of a registry, which may contain a secret.
func TestNoErrorHasASecret(t *testing.T) {
	t.Parallel()
	leak := func(r *http.Request) string { return r.Header.Get("Authorization") + password + r.URL.RawQuery + token }
	for name, tc := range map[string]struct {
		handler http.HandlerFunc
		want    string
	}{
		"an error": {func(w http.ResponseWriter, r *http.Request) {
			http.Error(w, leak(r), http.StatusInternalServerError)
		}, "HTTP status 500"},
		"an error in JSON": {func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprintf(w, `{"errors": [{"code": "DENIED", "message": %q, "detail": %q}]}`, leak(r), leak(r))
		}, "denies access"},
		"too many": {func(w http.ResponseWriter, r *http.Request) {
			http.Error(w, leak(r), http.StatusTooManyRequests)
		}, "limits the rate"},
		"a redirect to HTTP": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://plain.test/?password="+password, http.StatusFound)
		}, "plain HTTP"},
		"a redirect in circles": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://"+host+"/v2/?password="+password, http.StatusFound)
		}, "cannot be used"},
		"a strange challenge": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("WWW-Authenticate", `Bearer realm="::`+password+`"`)
			w.WriteHeader(http.StatusUnauthorized)
		}, "cannot be used"},
		"a strange manifest": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/vnd.oci.image.manifest.v1+json")
			fmt.Fprintf(w, `{"config": {"digest": %q}}`, password)
		}, "cannot be used"},
		"another format": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/"+password)
		}, "unknown format"},
		"an endless answer": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/vnd.oci.image.manifest.v1+json")
			_, _ = io.WriteString(w, strings.Repeat(password, maxAnswer/len(password)+1))
		}, "too long an answer"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHub(t)
			h.handler = tc.handler
			a := h.asker(PullSecrets(clusterSecrets, []string{"good"}))
			_, problem := ask(t.Context(), a, host+"/app:1", "good")
			if !strings.Contains(problem, tc.want) {
				t.Errorf("error %q, want %q", problem, tc.want)
			}
			expectNoSecret(t, problem)
		})
	}
	for _, err := range []error{
		&net.DNSError{Name: password}, &net.OpError{Op: password, Err: errors.New(token)},
		&url.Error{URL: "https://" + user + ":" + password + "@x", Err: errors.New(token)}, tls.AlertError(40),
	} {
		expectNoSecret(t, explain(host, nil, err).Error())
	}
}

// The most specific credential comes first, as in the kubelet.
func TestCredentialsByHostAndPath(t *testing.T) {
	t.Parallel()
	s := &secrets{}
	secret := &corev1.Secret{Data: map[string][]byte{corev1.DockerConfigJsonKey: []byte(`{"auths": {
		"https://index.docker.io/v1/": {"username": "hub", "password": "x"},
		"*.example.test": {"username": "wild", "password": "x"},
		"a.example.test": {"username": "host", "password": "x"},
		"a.example.test/team": {"username": "team", "password": "x"},
		"[::1]:5000": {"username": "six", "password": "x"},
		"[": {"username": "broken", "password": "x"}
	}}`)}}
	if err := s.add(secret); err != nil {
		t.Fatal(err)
	}
	for image, want := range map[string]string{
		"nginx": "hub", "docker.io/library/nginx": "hub", "a.example.test/app": "host", "a.example.test/team/app": "team",
		"a.example.test/teams/app": "host", "b.example.test/app": "wild", "c.b.example.test/app": "", "example.test/app": "",
		"quay.io/app": "", "[::1]:5000/app": "six",
	} {
		ref, err := name.ParseReference(image)
		if err != nil {
			t.Fatal(err)
		}
		found, err := s.Resolve(ref.Context())
		if err != nil {
			t.Fatal(err)
		}
		config, err := authn.Authorization(t.Context(), found)
		if err != nil || config.Username != want {
			t.Errorf("%s: user %q, error %v, want %q", image, config.Username, err, want)
		}
	}
	expectNoSecret(t, fmt.Sprint(s))
}
