package certs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The webhook's Service in all tests.
const (
	namespace = "lameduck"
	service   = "lameduck-webhook"
	host      = service + "." + namespace + ".svc"
)

func newTestStore() *Store { return NewStore(NewMetrics(prometheus.NewRegistry(), true)) }

// errDown is the error of an API server that cannot be reached.
var errDown = errors.New("connection refused")

// A memoryCluster is a Cluster with the API server's rules for resourceVersions.
type memoryCluster struct {
	mu             sync.Mutex
	down           bool
	noCreate       bool // the role lacks the permission
	version        int
	secret         *corev1.Secret
	configuration  *admissionregistrationv1.MutatingWebhookConfiguration
	secretWrites   int
	configWrites   int
	betweenReading func() // called once, between the reads of the configuration and of the Secret
}

func newMemoryCluster() *memoryCluster {
	c := &memoryCluster{version: 1}
	c.secret = &corev1.Secret{Type: corev1.SecretTypeOpaque}
	c.secret.ResourceVersion = "1"
	c.configuration = &admissionregistrationv1.MutatingWebhookConfiguration{}
	c.configuration.ResourceVersion = "1"
	c.configuration.Webhooks = []admissionregistrationv1.MutatingWebhook{
		{Name: "others.test", ClientConfig: clientConfig("others", "others")},
		{Name: "inject.lameduck.dev", ClientConfig: clientConfig(namespace, service)},
	}
	return c
}

func clientConfig(namespace, name string) admissionregistrationv1.WebhookClientConfig {
	return admissionregistrationv1.WebhookClientConfig{Service: &admissionregistrationv1.ServiceReference{Namespace: namespace, Name: name}}
}

func (c *memoryCluster) enter() error {
	c.mu.Lock()
	if c.down {
		c.mu.Unlock()
		return errDown
	}
	return nil
}

func (c *memoryCluster) next() string { c.version++; return strconv.Itoa(c.version) }

func (c *memoryCluster) Secret(context.Context) (*corev1.Secret, error) {
	if f := c.betweenReading; f != nil {
		c.betweenReading = nil
		f()
	}
	if err := c.enter(); err != nil {
		return nil, err
	}
	defer c.mu.Unlock()
	if c.secret == nil {
		return nil, ErrNotFound
	}
	return c.secret.DeepCopy(), nil
}

func (c *memoryCluster) PutSecret(_ context.Context, s *corev1.Secret) error {
	if err := c.enter(); err != nil {
		return err
	}
	defer c.mu.Unlock()
	switch {
	case c.secret == nil && s.ResourceVersion == "" && c.noCreate:
		return errors.New("secrets is forbidden")
	case c.secret == nil && s.ResourceVersion != "":
		return ErrNotFound
	case c.secret != nil && c.secret.ResourceVersion != s.ResourceVersion:
		return ErrConflict
	}
	c.secret = s.DeepCopy()
	c.secret.ResourceVersion = c.next()
	c.secretWrites++
	return nil
}

func (c *memoryCluster) Configuration(context.Context) (*admissionregistrationv1.MutatingWebhookConfiguration, error) {
	if err := c.enter(); err != nil {
		return nil, err
	}
	defer c.mu.Unlock()
	if c.configuration == nil {
		return nil, ErrNotFound
	}
	return c.configuration.DeepCopy(), nil
}

func (c *memoryCluster) PatchConfiguration(_ context.Context, patch []byte) error {
	if err := c.enter(); err != nil {
		return err
	}
	defer c.mu.Unlock()
	if c.configuration == nil {
		return ErrNotFound
	}
	var change struct {
		Metadata struct{ ResourceVersion string }
	}
	if err := json.Unmarshal(patch, &change); err != nil {
		return err
	}
	if v := change.Metadata.ResourceVersion; v != "" && v != c.configuration.ResourceVersion {
		return ErrConflict
	}
	before, err := json.Marshal(c.configuration)
	if err != nil {
		return err
	}
	after, err := strategicpatch.StrategicMergePatch(before, patch, c.configuration)
	if err != nil {
		return err
	}
	if bytes.Equal(before, after) {
		return nil
	}
	changed := new(admissionregistrationv1.MutatingWebhookConfiguration)
	if err := json.Unmarshal(after, changed); err != nil {
		return err
	}
	changed.ResourceVersion = c.next()
	c.configuration = changed
	c.configWrites++
	return nil
}

// bundle returns the CA bundle that the API server trusts.
func (c *memoryCluster) bundle() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.configuration.Webhooks[1].ClientConfig.CABundle
}
