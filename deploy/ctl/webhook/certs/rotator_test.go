package certs

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/zap"
	corev1 "k8s.io/api/core/v1"
)

func newTestRotator(c Cluster) *Rotator {
	return NewRotator(c, namespace, service, newTestStore(), zap.NewNop())
}

// rotate runs rotators for a duration.
func rotate(t *testing.T, d time.Duration, rotators ...*Rotator) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), d)
	defer stop()
	done := make(chan struct{}, len(rotators))
	for _, r := range rotators {
		go func() { r.Run(ctx); done <- struct{}{} }()
	}
	for range rotators {
		<-done
	}
}

// expectTrusted checks that an API server with this bundle trusts the webhook's certificate.
func expectTrusted(t *testing.T, r *Rotator, bundle []byte) {
	t.Helper()
	c := r.store.current.Load()
	if c == nil {
		t.Fatal("no certificate")
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(bundle)
	_, err := c.Leaf.Verify(x509.VerifyOptions{DNSName: host, Roots: pool, CurrentTime: time.Now()})
	if err != nil {
		t.Fatalf("at %s: %v", time.Now(), err)
	}
}

func trustedCAs(bundle []byte) int { return len(decodeBundle(bundle)) }

func TestReplicasThatStartTogetherAgree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newMemoryCluster()
		var replicas []*Rotator
		for range 5 {
			replicas = append(replicas, newTestRotator(c))
		}
		rotate(t, 30*time.Second, replicas...)
		for _, r := range replicas {
			expectTrusted(t, r, c.bundle())
			if err := r.Ready(); err != nil {
				t.Error(err)
			}
			if !bytes.Equal(r.store.current.Load().Leaf.Raw, replicas[0].store.current.Load().Leaf.Raw) {
				t.Error("replicas show different certificates")
			}
			if testutil.ToFloat64(r.store.metrics.synced) != 1 {
				t.Error("the bundle is reported as out of date")
			}
		}
		if c.secretWrites != 1 || c.configWrites != 1 {
			t.Errorf("%d writes of the Secret and %d of the configuration, want one each",
				c.secretWrites, c.configWrites)
		}
		if n := trustedCAs(c.bundle()); n != 1 {
			t.Errorf("%d CAs are trusted", n)
		}
		if c.configuration.Webhooks[0].ClientConfig.CABundle != nil {
			t.Error("another webhook has our CAs")
		}
	})
}

// TestARenewedCAIsTrustedBeforeItsCertificateIsServed covers half a year. The rotators run around
// the renewals, with a check every second.
func TestARenewedCAIsTrustedBeforeItsCertificateIsServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newMemoryCluster()
		first := newTestRotator(c)
		rotate(t, time.Minute, first)
		old := first.store.current.Load().Leaf
		for renewal := range 3 {
			time.Sleep(time.Until(first.store.current.Load().Leaf.NotBefore.Add(backdate + renewAfter - time.Minute)))
			replicas := []*Rotator{newTestRotator(c), newTestRotator(c), first}
			watch, stop := context.WithCancel(t.Context())
			watched := make(chan struct{})
			most := 0
			go func() {
				defer close(watched)
				time.Sleep(time.Second) // the first round
				for watch.Err() == nil {
					for _, r := range replicas {
						expectTrusted(t, r, c.bundle())
					}
					most = max(most, trustedCAs(c.bundle()))
					time.Sleep(time.Second)
				}
			}()
			rotate(t, 5*time.Minute, replicas...)
			stop()
			<-watched
			shown := replicas[0].store.current.Load().Leaf
			if shown.Equal(old) {
				t.Fatalf("renewal %d: the old certificate is shown yet", renewal)
			}
			for _, r := range replicas {
				if !r.store.current.Load().Leaf.Equal(shown) {
					t.Errorf("renewal %d: replicas show different certificates", renewal)
				}
			}
			if most != 2 {
				t.Errorf("renewal %d: %d CAs are trusted, want the old and the new one", renewal,
					most)
			}
			got := testutil.ToFloat64(first.store.metrics.expiry)
			if got != float64(shown.NotAfter.Unix()) {
				t.Errorf("renewal %d: the reported expiry is %v", renewal, got)
			}
			old = shown
		}
	})
}

func TestACAIsTrustedForAMinuteBeforeItsCertificateIsServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newMemoryCluster()
		r := newTestRotator(c)
		rotate(t, time.Minute, r)
		old := r.store.current.Load()
		time.Sleep(renewAfter)
		rotate(t, caPropagation-pollInterval, r)
		if r.store.current.Load() != old || trustedCAs(c.bundle()) != 2 {
			t.Error("the new certificate is served at once, or its CA is not published")
		}
		rotate(t, 3*pollInterval, r)
		if r.store.current.Load() == old {
			t.Error("the new certificate is not shown")
		}
	})
}

func TestTheOldCertificateStaysWhileTheConfigurationCannotBeWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newMemoryCluster()
		r := newTestRotator(c)
		rotate(t, time.Minute, r)
		old := r.store.current.Load()
		configuration := c.configuration
		c.configuration = nil
		time.Sleep(renewAfter)
		rotate(t, time.Hour, r)
		if r.store.current.Load() != old {
			t.Error("a certificate of an untrusted CA is served")
		}
		if testutil.ToFloat64(r.store.metrics.synced) != 0 ||
			testutil.ToFloat64(r.store.metrics.failures) == 0 {
			t.Error("the metrics report no failure")
		}
		c.configuration = configuration
		rotate(t, 2*time.Minute, r)
		if r.store.current.Load() == old {
			t.Error("the new certificate is not shown")
		}
		expectTrusted(t, r, c.bundle())
	})
}

func TestAnExpiredCAIsRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newMemoryCluster()
		r := newTestRotator(c)
		rotate(t, time.Minute, r)
		time.Sleep(renewAfter)
		rotate(t, 3*time.Minute, r)
		time.Sleep(validity - renewAfter)
		rotate(t, time.Minute, r)
		if n := trustedCAs(c.bundle()); n != 1 {
			t.Errorf("%d CAs are trusted", n)
		}
		expectTrusted(t, r, c.bundle())
	})
}

func TestAnUnreachableAPIServerChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newMemoryCluster()
		r := newTestRotator(c)
		c.down = true
		rotate(t, time.Minute, r)
		if r.Ready() == nil {
			t.Error("a replica without a certificate is ready")
		}
		c.down = false
		rotate(t, time.Minute, r)
		shown := r.store.current.Load()
		c.down = true
		rotate(t, time.Minute, r)
		if r.store.current.Load() != shown || r.Ready() != nil {
			t.Errorf("the certificate is gone, or the replica is not ready: %v", r.Ready())
		}
	})
}

func TestAChangedBundleIsRestored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newMemoryCluster()
		r := newTestRotator(c)
		rotate(t, time.Minute, r)
		c.configuration.Webhooks[1].ClientConfig.CABundle = nil
		c.configuration.ResourceVersion = c.next()
		rotate(t, 2*pollInterval, r)
		expectTrusted(t, r, c.bundle())
	})
}

func TestAnUnusableSecretIsReplaced(t *testing.T) {
	other, err := issue("other.test.svc", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(data map[string][]byte) map[string][]byte{
		"garbage": func(map[string][]byte) map[string][]byte {
			return map[string][]byte{"tls.crt": []byte("x"), "ca.crt": []byte("y")}
		},
		"no key": func(d map[string][]byte) map[string][]byte { delete(d, "tls.key"); return d },
		"no CA":  func(d map[string][]byte) map[string][]byte { delete(d, "ca.crt"); return d },
		"empty":  func(map[string][]byte) map[string][]byte { return nil },
		"of another name": func(map[string][]byte) map[string][]byte {
			return (&secretState{[]*x509.Certificate{other.ca}, other.keyPair, nil}).encode(nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newMemoryCluster()
				r := newTestRotator(c)
				rotate(t, time.Minute, r)
				c.secret.Data = spoil(c.secret.Data)
				c.secret.ResourceVersion = c.next()
				rotate(t, time.Minute, r, newTestRotator(c))
				expectTrusted(t, r, c.bundle())
				s, err := decodeSecret(c.secret.Data, host, time.Now())
				if err != nil || s.current == nil {
					t.Errorf("the Secret has no certificate: %v", err)
				}
			})
		})
	}
}

func TestASecretCorruptedRepeatedlyDoesNotGrow(t *testing.T) {
	s := &secretState{}
	for range 2 * maxTrusted {
		s.current = nil
		if _, err := s.advance(host, time.Now(), false); err != nil {
			t.Fatal(err)
		}
		if err := s.current.verify(host, s.trusted, time.Now()); err != nil {
			t.Error(err)
		}
	}
	if len(s.trusted) != maxTrusted {
		t.Errorf("%d CAs are trusted", len(s.trusted))
	}
}

func TestAMissingSecretIsCreatedIfPermitted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newMemoryCluster()
		c.secret, c.noCreate = nil, true
		r := newTestRotator(c)
		rotate(t, time.Minute, r)
		if r.store.current.Load() != nil {
			t.Error("serving a certificate that no other replica has")
		}
		c.noCreate = false
		rotate(t, time.Minute, r, newTestRotator(c))
		expectTrusted(t, r, c.bundle())
		if c.secret.Type != corev1.SecretTypeOpaque {
			t.Errorf("its type is %q", c.secret.Type)
		}
	})
}

func TestForeignKeysOfTheSecretStay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newMemoryCluster()
		c.secret.Data = map[string][]byte{"note": []byte("ours")}
		c.secret.Labels = map[string]string{"app": "x"}
		rotate(t, time.Minute, newTestRotator(c))
		if string(c.secret.Data["note"]) != "ours" || c.secret.Labels["app"] != "x" {
			t.Errorf("the Secret is %+v", c.secret)
		}
	})
}

// TestASuspendedReplicaWritesNothingStale suspends one replica between its two reads, while another
// one renews.
func TestASuspendedReplicaWritesNothingStale(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newMemoryCluster()
		slow, fast := newTestRotator(c), newTestRotator(c)
		rotate(t, time.Minute, slow, fast)
		time.Sleep(renewAfter)
		stale := &staleSecret{memoryCluster: c}
		slow.cluster = stale
		stale.secret, _ = c.Secret(t.Context())
		stale.before = func() { rotate(t, 20*time.Second, fast) }
		err := slow.syncOnce(t.Context())
		if !errors.Is(err, ErrConflict) {
			t.Errorf("error %v", err)
		}
		if n := trustedCAs(c.bundle()); n != 2 {
			t.Errorf("%d CAs are trusted", n)
		}
	})
}

// A staleSecret is a cluster whose Secret was read before others changed it.
type staleSecret struct {
	*memoryCluster
	secret *corev1.Secret
	before func()
}

func (s *staleSecret) Secret(context.Context) (*corev1.Secret, error) {
	s.before()
	return s.secret.DeepCopy(), nil
}

func TestAStaleConfigurationIsNotWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newMemoryCluster()
		r := newTestRotator(c)
		c.betweenReading = func() {
			c.configuration.Webhooks[1].ClientConfig.CABundle = []byte("of a newer Secret")
			c.configuration.ResourceVersion = c.next()
		}
		if err := r.syncOnce(t.Context()); !errors.Is(err, ErrConflict) {
			t.Errorf("error %v", err)
		}
		if string(c.bundle()) != "of a newer Secret" {
			t.Error("it is written over")
		}
		if err := r.syncOnce(t.Context()); err != nil {
			t.Error(err)
		}
		expectTrusted(t, r, c.bundle())
	})
}

func TestAForeignConfigurationIsReportedAndNotChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newMemoryCluster()
		c.configuration.Webhooks = c.configuration.Webhooks[:1]
		r := newTestRotator(c)
		err := r.syncOnce(t.Context())
		if err == nil || !strings.Contains(err.Error(), "calls Service "+namespace+"/"+service) {
			t.Errorf("error %v", err)
		}
		if c.configWrites != 0 {
			t.Error("it is written")
		}
	})
}

func TestTheCAIsConstrainedToTheWebhooksName(t *testing.T) {
	g, err := issue(host, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	a := g.ca
	if !a.IsCA || !a.MaxPathLenZero || a.MaxPathLen != 0 || len(a.PermittedDNSDomains) != 1 ||
		a.PermittedDNSDomains[0] != host {
		t.Errorf("the CA is %+v", a)
	}
	if bytes.Contains(encodeBundle([]*x509.Certificate{g.ca}), []byte("PRIVATE")) {
		t.Error("the key of the CA was kept")
	}
	l := g.certificate.Leaf
	if l.IsCA || len(l.ExtKeyUsage) != 1 || l.ExtKeyUsage[0] != x509.ExtKeyUsageServerAuth {
		t.Errorf("certificate %+v", l)
	}
}
