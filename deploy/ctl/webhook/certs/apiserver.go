package certs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/version"
	"k8s.io/client-go/rest"
)

// maxObject bounds the answers of the API server. etcd limits objects to 1.5 MiB.
const maxObject = 4 << 20

// An APIServer is a client of the API server and implements Cluster. It needs five requests only,
// so it does without the generated clients of client-go.
type APIServer struct {
	client        *http.Client
	base          *url.URL
	namespace     string
	secret        string
	configuration string
}

// NewAPIServer returns a client. secret and configuration are the names of the objects of a
// Rotator; they may be empty if there is none.
func NewAPIServer(c *rest.Config, namespace, secret, configuration string) (*APIServer, error) {
	c = rest.CopyConfig(c)
	c.Timeout = 10 * time.Second
	client, err := rest.HTTPClientFor(c)
	if err != nil {
		return nil, fmt.Errorf("API server: %w", err)
	}
	base, _, err := rest.DefaultServerUrlFor(c)
	if err != nil {
		return nil, fmt.Errorf("API server: %w", err)
	}
	return &APIServer{client, base, namespace, secret, configuration}, nil
}

func (a *APIServer) secretPath(name ...string) []string {
	return append([]string{"api", "v1", "namespaces", a.namespace, "secrets"}, name...)
}

func (a *APIServer) configurationPath() []string {
	return []string{"apis", "admissionregistration.k8s.io", "v1", "mutatingwebhookconfigurations",
		a.configuration}
}

// Secret implements Cluster.
func (a *APIServer) Secret(ctx context.Context) (*corev1.Secret, error) {
	s := new(corev1.Secret)
	return s, a.do(ctx, request{path: a.secretPath(a.secret), into: s})
}

// PutSecret implements Cluster.
func (a *APIServer) PutSecret(ctx context.Context, s *corev1.Secret) error {
	s.TypeMeta = metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"}
	s.Name, s.Namespace = a.secret, a.namespace
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	r := request{method: http.MethodPut, path: a.secretPath(a.secret), media: "application/json", body: text}
	if s.ResourceVersion == "" {
		r.method, r.path = http.MethodPost, a.secretPath()
	}
	return a.do(ctx, r)
}

// Configuration implements Cluster.
func (a *APIServer) Configuration(ctx context.Context) (*admissionregistrationv1.MutatingWebhookConfiguration,
	error) {
	c := new(admissionregistrationv1.MutatingWebhookConfiguration)
	return c, a.do(ctx, request{path: a.configurationPath(), into: c})
}

// PatchConfiguration implements Cluster.
func (a *APIServer) PatchConfiguration(ctx context.Context, patch []byte) error {
	return a.do(ctx, request{
		method: http.MethodPatch, path: a.configurationPath(),
		media: string(types.StrategicMergePatchType), body: patch,
	})
}

// Version returns the version of the API server, such as v1.34.4.
func (a *APIServer) Version(ctx context.Context) (string, error) {
	info := new(version.Info)
	err := a.do(ctx, request{path: []string{"version"}, into: info})
	return info.GitVersion, err
}

// A request is a request to the API server.
type request struct {
	method string // default GET
	path   []string
	media  string // of the body
	body   []byte
	into   any // the answer is decoded into it, unless it is nil
}

func (a *APIServer) do(ctx context.Context, r request) error {
	to := a.base.JoinPath(r.path...)
	in, err := http.NewRequestWithContext(ctx, r.method, to.String(), bytes.NewReader(r.body))
	if err != nil {
		return err
	}
	in.Header.Set("Accept", "application/json")
	if r.media != "" {
		in.Header.Set("Content-Type", r.media)
	}
	out, err := a.client.Do(in)
	if err != nil {
		return err
	}
	defer out.Body.Close()
	text, err := io.ReadAll(io.LimitReader(out.Body, maxObject))
	if err != nil {
		return fmt.Errorf("%s %s: %w", in.Method, to.Path, err)
	}
	if err := statusError(out.StatusCode, text); err != nil {
		return fmt.Errorf("%s %s: %w", in.Method, to.Path, err)
	}
	if r.into == nil {
		return nil
	}
	if err := json.Unmarshal(text, r.into); err != nil {
		return fmt.Errorf("%s %s: %w", in.Method, to.Path, err)
	}
	return nil
}

// statusError returns the error of an answer, with the message of the API server.
func statusError(code int, text []byte) error {
	switch {
	case code < 300:
		return nil
	case code == http.StatusNotFound:
		return ErrNotFound
	case code == http.StatusConflict:
		return ErrConflict
	}
	var status metav1.Status
	if json.Unmarshal(text, &status) != nil || status.Message == "" {
		return fmt.Errorf("HTTP %d", code)
	}
	return errors.New(status.Message)
}
