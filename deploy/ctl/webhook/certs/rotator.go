package certs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
)

const (
	pollInterval  = 10 * time.Second
	retryFailure  = 5 * time.Second
	retryConflict = 500 * time.Millisecond // at most
	syncTimeout   = 10 * time.Second

	// caPropagation is how long the configuration must have had a CA before a certificate of it is
	// served. API servers see a new configuration within a second, through their watch.
	caPropagation = time.Minute
)

// Errors of a Cluster.
var (
	ErrNotFound = errors.New("not found")
	ErrConflict = errors.New("the object has been changed since it was read")
)

// The kinds of the webhook configuration.
type (
	webhookConfiguration = admissionregistrationv1.MutatingWebhookConfiguration
	mutatingWebhook      = admissionregistrationv1.MutatingWebhook
)

// A Cluster has the two objects that make the API server trust a webhook.
type Cluster interface {
	// Secret returns the Secret that the replicas share, or ErrNotFound.
	Secret(ctx context.Context) (*corev1.Secret, error)

	// PutSecret updates the Secret, or creates it if s has no resourceVersion. It returns
	// ErrConflict if the resourceVersion is not the current one.
	PutSecret(ctx context.Context, s *corev1.Secret) error

	// Configuration returns the webhook configuration, or ErrNotFound.
	Configuration(ctx context.Context) (*admissionregistrationv1.MutatingWebhookConfiguration, error)

	// PatchConfiguration applies a strategic merge patch. It returns ErrConflict if the patch has a
	// resourceVersion that is not the current one.
	PatchConfiguration(ctx context.Context, patch []byte) error
}

// A Rotator is a Source that issues and renews the certificate, together with the Rotators of the
// other replicas.
type Rotator struct {
	cluster            Cluster
	namespace, service string
	store              *Store
	log                *zap.Logger
	synced             atomic.Bool // the certificate and the configuration have matched once

	// Owned by Run.
	bundle      []byte // CA bundle of the configuration when it was last read or written
	bundleSince time.Time
	logged      string // the last error
}

// NewRotator returns a rotator for the name of a Service.
func NewRotator(c Cluster, namespace, service string, store *Store, log *zap.Logger) *Rotator {
	return &Rotator{cluster: c, namespace: namespace, service: service, store: store, log: log}
}

// host is the name that the API server verifies.
func (r *Rotator) host() string { return r.service + "." + r.namespace + ".svc" }

// Run implements Source.
func (r *Rotator) Run(ctx context.Context) {
	for {
		err := r.syncOnce(ctx)
		if ctx.Err() != nil {
			return
		}
		r.logOutcome(err)
		timer := time.NewTimer(pause(err))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}

// pause returns the time until the next sync. It is partly random, so that replicas do not conflict
// again and again.
func pause(err error) time.Duration {
	switch {
	case err == nil:
		return pollInterval + rand.N(pollInterval/5)
	case errors.Is(err, ErrConflict):
		return retryConflict/10 + rand.N(retryConflict)
	}
	return retryFailure + rand.N(retryFailure/5)
}

// logOutcome logs a failure once, and the recovery from it.
func (r *Rotator) logOutcome(err error) {
	switch {
	case errors.Is(err, ErrConflict):
		// Another replica was faster.
	case err != nil:
		r.store.metrics.failures.Inc()
		if err.Error() != r.logged {
			r.log.Error("certificate rotation failed, keeping the old certificate", zap.Error(err))
		}
		r.logged = err.Error()
	default:
		if r.logged != "" {
			r.log.Info("certificate rotation recovered")
		}
		r.logged = ""
		r.synced.Store(true)
	}
}

// syncOnce makes the Secret, the served certificate and the configuration match.
//
// It reads the configuration before the Secret, and writes it only if it has not changed since. So
// it never replaces a CA bundle by an older one: a replica that has written the bundle in between
// had read the Secret before.
func (r *Rotator) syncOnce(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, syncTimeout)
	defer cancel()
	configuration, configErr := r.readConfiguration(ctx)
	s, err := r.advanceSecret(ctx, configuration)
	if err != nil {
		r.store.metrics.synced.Set(0)
		return err
	}
	if r.store.set(&s.current.certificate) {
		r.log.Info("TLS certificate loaded", zap.Time("not_after", s.current.certificate.Leaf.NotAfter))
	}
	if configErr == nil {
		configErr = r.publish(ctx, configuration, encodeBundle(s.trusted))
	}
	if configErr != nil {
		r.store.metrics.synced.Set(0)
		return configErr
	}
	r.store.metrics.synced.Set(1)
	return nil
}

// readConfiguration returns the configuration. The certificate is renewed even if there is none.
func (r *Rotator) readConfiguration(ctx context.Context) (*webhookConfiguration, error) {
	c, err := r.cluster.Configuration(ctx)
	if err != nil {
		r.bundle = nil
		return nil, fmt.Errorf("read the webhook configuration: %w", err)
	}
	r.observeBundle(r.bundleOf(c))
	return c, nil
}

// observeBundle notes the CA bundle of the configuration, and since when it is the same.
func (r *Rotator) observeBundle(bundle []byte) {
	if r.bundle == nil || !bytes.Equal(bundle, r.bundle) {
		r.bundle, r.bundleSince = bundle, time.Now()
	}
}

// advanceSecret reads the Secret, takes the steps that are due, and writes it if there were any.
func (r *Rotator) advanceSecret(ctx context.Context, c *webhookConfiguration) (*secretState, error) {
	secret, err := r.cluster.Secret(ctx)
	if errors.Is(err, ErrNotFound) {
		secret, err = &corev1.Secret{Type: corev1.SecretTypeOpaque}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the Secret: %w", err)
	}
	now := time.Now()
	s, err := decodeSecret(secret.Data, r.host(), now)
	if err != nil {
		r.log.Warn("Secret contents invalid, issuing a new certificate", zap.Error(err))
	}
	propagated := c != nil && bytes.Equal(r.bundle, encodeBundle(s.trusted)) && now.Sub(r.bundleSince) >= caPropagation
	changed, err := s.advance(r.host(), now, propagated)
	if err != nil {
		return nil, fmt.Errorf("issue a certificate: %w", err)
	}
	if !changed {
		return s, nil
	}
	secret = secret.DeepCopy()
	secret.Data = s.encode(secret.Data)
	if err := r.cluster.PutSecret(ctx, secret); err != nil {
		return nil, fmt.Errorf("write the Secret: %w", err)
	}
	r.log.Info("Secret written", zap.Int("authorities", len(s.trusted)), zap.Bool("renewal", s.next != nil))
	return s, nil
}

// bundleOf returns the CA bundle of our webhooks in a configuration. It is empty, and so never the
// right one, if they have different bundles.
func (r *Rotator) bundleOf(c *webhookConfiguration) []byte {
	var bundle []byte
	for i, w := range r.ours(c) {
		if i > 0 && !bytes.Equal(w.ClientConfig.CABundle, bundle) {
			return []byte{}
		}
		bundle = w.ClientConfig.CABundle
	}
	return append([]byte{}, bundle...)
}

// ours returns the webhooks that call our Service.
func (r *Rotator) ours(c *webhookConfiguration) []mutatingWebhook {
	var ours []mutatingWebhook
	for _, w := range c.Webhooks {
		if s := w.ClientConfig.Service; s != nil && s.Namespace == r.namespace && s.Name == r.service {
			ours = append(ours, w)
		}
	}
	return ours
}

// publish writes the CA bundle to the configuration if it has another one.
func (r *Rotator) publish(ctx context.Context, c *webhookConfiguration,
	bundle []byte) error {
	ours := r.ours(c)
	if len(ours) == 0 {
		return fmt.Errorf("the webhook configuration has no webhook that calls Service %s/%s", r.namespace,
			r.service)
	}
	if bytes.Equal(r.bundle, bundle) {
		return nil
	}
	patch, err := json.Marshal(bundlePatch(c.ResourceVersion, ours, bundle))
	if err != nil {
		return err
	}
	if err := r.cluster.PatchConfiguration(ctx, patch); err != nil {
		return fmt.Errorf("write the webhook configuration: %w", err)
	}
	r.observeBundle(bundle)
	r.log.Info("webhook configuration written", zap.Int("webhooks", len(ours)))
	return nil
}

// bundlePatch returns a strategic merge patch, which identifies webhooks by name and changes
// nothing but their CA bundles.
func bundlePatch(version string, ours []mutatingWebhook, bundle []byte) any {
	type object = map[string]any
	var webhooks []object
	for _, w := range ours {
		webhooks = append(webhooks, object{"name": w.Name, "clientConfig": object{"caBundle": bundle}})
	}
	return object{"metadata": object{"resourceVersion": version}, "webhooks": webhooks}
}

// Ready implements Source. Once the certificate and the configuration have matched, an API server
// that cannot be reached does not make the webhook unready.
func (r *Rotator) Ready() error {
	if !r.synced.Load() {
		return errors.New("the certificate and the webhook configuration do not match yet")
	}
	return nil
}
