package webhook

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

// When the keeper looks again. It looks, where it could watch: what it has to see happens once in two months, and to look needs the right to get two
// objects by their names, and no other.
const (
	lookEvery     = 10 * time.Second
	retryFailure  = 5 * time.Second
	retryConflict = 500 * time.Millisecond // at most: another replica has been faster
	roundTimeout  = 10 * time.Second

	// settle is how long the API server has an authority before its certificate is shown. It learns of it within a second, by its watch.
	settle = time.Minute
)

// What a Cluster says when it cannot do as it is told.
var (
	ErrNotFound = errors.New("not found")
	ErrConflict = errors.New("somebody else has changed it")
)

// A Cluster has the two objects by which the API server comes to trust a webhook.
type Cluster interface {
	// Secret returns the one that the replicas share, or ErrNotFound.
	Secret(ctx context.Context) (*corev1.Secret, error)

	// PutSecret writes it if it still has the resourceVersion that it was read with; none: makes it. Otherwise, ErrConflict.
	PutSecret(ctx context.Context, s *corev1.Secret) error

	// Configuration returns the one that says whom the API server asks, or ErrNotFound.
	Configuration(ctx context.Context) (*admissionregistrationv1.MutatingWebhookConfiguration, error)

	// PatchConfiguration changes it by a strategic merge patch. A resourceVersion in it must be that of the object. Otherwise, ErrConflict.
	PatchConfiguration(ctx context.Context, patch []byte) error
}

// A keeper makes and renews the certificate, with the other replicas' keepers.
type keeper struct {
	cluster   Cluster
	namespace string // of the Service
	service   string
	identity  *identity
	metrics   *metrics
	log       *zap.Logger
	settled   atomic.Bool // a round has been gone through

	// Owned by run.
	known      []byte // the authorities that the configuration has
	knownSince time.Time
	last       string // error that was logged
}

// name is what the API server expects a certificate to be for.
func (k *keeper) name() string { return k.service + "." + k.namespace + ".svc" }

// run keeps the certificate until ctx is done.
func (k *keeper) run(ctx context.Context) {
	for {
		err := k.round(ctx)
		if ctx.Err() != nil {
			return
		}
		k.tell(err)
		timer := time.NewTimer(pause(err))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}

// pause is how long to wait after a round. What is random in it keeps replicas from meeting again.
func pause(err error) time.Duration {
	switch {
	case err == nil:
		return lookEvery + rand.N(lookEvery/5)
	case errors.Is(err, ErrConflict):
		return retryConflict/10 + rand.N(retryConflict)
	}
	return retryFailure + rand.N(retryFailure/5)
}

// tell logs what has failed, once, and that it does no longer.
func (k *keeper) tell(err error) {
	switch {
	case errors.Is(err, ErrConflict):
		// This is how replicas agree.
	case err != nil:
		k.metrics.failures.Inc()
		if err.Error() != k.last {
			k.log.Error("certificate cannot be kept, the old one stays", zap.Error(err))
		}
		k.last = err.Error()
	default:
		if k.last != "" {
			k.log.Info("certificate is kept again")
		}
		k.last = ""
		k.settled.Store(true)
	}
}

// round brings the Secret, the certificate that is shown and the configuration in step.
//
// The configuration is read before the Secret and written if nobody else has in between. So what is written is never older than what is
// there: who has written that had read the Secret before, and the Secret only goes on.
func (k *keeper) round(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, roundTimeout)
	defer cancel()
	configuration, configErr := k.configuration(ctx)
	s, err := k.advance(ctx, configuration)
	if err != nil {
		k.metrics.synced.Set(0)
		return err
	}
	if k.identity.show(&s.current.certificate) {
		k.log.Info("TLS certificate taken up", zap.Time("not_after", s.current.certificate.Leaf.NotAfter))
	}
	if configErr == nil {
		configErr = k.publish(ctx, configuration, encodeBundle(s.trusted))
	}
	if configErr != nil {
		k.metrics.synced.Set(0)
		return configErr
	}
	k.metrics.synced.Set(1)
	return nil
}

// configuration reads it. Without one the certificate is kept all the same.
func (k *keeper) configuration(ctx context.Context) (*admissionregistrationv1.MutatingWebhookConfiguration, error) {
	c, err := k.cluster.Configuration(ctx)
	if err != nil {
		k.known = nil
		return nil, fmt.Errorf("read the webhook configuration: %w", err)
	}
	k.notice(k.bundle(c))
	return c, nil
}

// notice notes since when the configuration has these authorities.
func (k *keeper) notice(bundle []byte) {
	if k.known == nil || !bytes.Equal(bundle, k.known) {
		k.known, k.knownSince = bundle, time.Now()
	}
}

// advance reads the Secret, takes the steps that are due, and writes it if there were any.
func (k *keeper) advance(ctx context.Context, c *admissionregistrationv1.MutatingWebhookConfiguration) (*shared, error) {
	secret, err := k.cluster.Secret(ctx)
	if errors.Is(err, ErrNotFound) {
		secret, err = &corev1.Secret{Type: corev1.SecretTypeOpaque}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the Secret: %w", err)
	}
	now := time.Now()
	s, err := readShared(secret.Data, k.name(), now)
	if err != nil {
		k.log.Warn("the Secret has what is of no use, which is made anew", zap.Error(err))
	}
	known := c != nil && bytes.Equal(k.known, encodeBundle(s.trusted)) && now.Sub(k.knownSince) >= settle
	changed, err := s.advance(k.name(), now, known)
	if err != nil {
		return nil, fmt.Errorf("make a certificate: %w", err)
	}
	if !changed {
		return s, nil
	}
	secret = secret.DeepCopy()
	secret.Data = s.write(secret.Data)
	if err := k.cluster.PutSecret(ctx, secret); err != nil {
		return nil, fmt.Errorf("write the Secret: %w", err)
	}
	k.log.Info("Secret written", zap.Int("authorities", len(s.trusted)), zap.Bool("renewal", s.next != nil))
	return s, nil
}

// bundle is what the first of our webhooks in a configuration has, or what no Secret has where they differ.
func (k *keeper) bundle(c *admissionregistrationv1.MutatingWebhookConfiguration) []byte {
	var bundle []byte
	for i, w := range k.ours(c) {
		if i > 0 && !bytes.Equal(w.ClientConfig.CABundle, bundle) {
			return []byte{}
		}
		bundle = w.ClientConfig.CABundle
	}
	return append([]byte{}, bundle...)
}

// ours are the webhooks that go to our Service.
func (k *keeper) ours(c *admissionregistrationv1.MutatingWebhookConfiguration) []admissionregistrationv1.MutatingWebhook {
	var ours []admissionregistrationv1.MutatingWebhook
	for _, w := range c.Webhooks {
		if s := w.ClientConfig.Service; s != nil && s.Namespace == k.namespace && s.Name == k.service {
			ours = append(ours, w)
		}
	}
	return ours
}

// publish writes the authorities into the configuration, unless it has them.
func (k *keeper) publish(ctx context.Context, c *admissionregistrationv1.MutatingWebhookConfiguration, bundle []byte) error {
	ours := k.ours(c)
	if len(ours) == 0 {
		return fmt.Errorf("the webhook configuration has no webhook that goes to Service %s/%s", k.namespace, k.service)
	}
	if bytes.Equal(k.known, bundle) {
		return nil
	}
	patch, err := json.Marshal(bundlePatch(c.ResourceVersion, ours, bundle))
	if err != nil {
		return err
	}
	if err := k.cluster.PatchConfiguration(ctx, patch); err != nil {
		return fmt.Errorf("write the webhook configuration: %w", err)
	}
	k.notice(bundle)
	k.log.Info("webhook configuration written", zap.Int("webhooks", len(ours)))
	return nil
}

// bundlePatch is a strategic merge patch: webhooks are found by their names, and nothing else of them changes.
func bundlePatch(version string, ours []admissionregistrationv1.MutatingWebhook, bundle []byte) any {
	type object = map[string]any
	var webhooks []object
	for _, w := range ours {
		webhooks = append(webhooks, object{"name": w.Name, "clientConfig": object{"caBundle": bundle}})
	}
	return object{"metadata": object{"resourceVersion": version}, "webhooks": webhooks}
}

// ready says why the API server may not trust us yet. Once it does, it is asked no more: an API server that is away is no reason to be away too.
func (k *keeper) ready() error {
	if !k.settled.Load() {
		return errors.New("the certificate and the webhook configuration are not in step yet")
	}
	return nil
}
