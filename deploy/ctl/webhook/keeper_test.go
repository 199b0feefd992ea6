package webhook

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/zap"
	corev1 "k8s.io/api/core/v1"
)

func newTestKeeper(c Cluster) *keeper {
	m := newMetrics(prometheus.NewRegistry(), true)
	return &keeper{cluster: c, namespace: own, service: service, identity: &identity{metrics: m}, metrics: m, log: zap.NewNop()}
}

// keep runs keepers for some time.
func keep(t *testing.T, d time.Duration, keepers ...*keeper) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), d)
	defer stop()
	done := make(chan struct{}, len(keepers))
	for _, k := range keepers {
		go func() { k.run(ctx); done <- struct{}{} }()
	}
	for range keepers {
		<-done
	}
}

// expectTrusted looks that an API server with this bundle talks to the webhook.
func expectTrusted(t *testing.T, k *keeper, bundle []byte) {
	t.Helper()
	c := k.identity.current.Load()
	if c == nil {
		t.Fatal("there is no certificate")
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(bundle)
	if _, err := c.Leaf.Verify(x509.VerifyOptions{DNSName: host, Roots: pool, CurrentTime: time.Now()}); err != nil {
		t.Fatalf("at %s: %v", time.Now(), err)
	}
}

func authorities(bundle []byte) int { return len(decodeBundle(bundle)) }

func TestReplicasThatStartTogetherAgree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newMemoryCluster()
		var replicas []*keeper
		for range 5 {
			replicas = append(replicas, newTestKeeper(c))
		}
		keep(t, 30*time.Second, replicas...)
		for _, k := range replicas {
			expectTrusted(t, k, c.bundle())
			if err := k.ready(); err != nil {
				t.Error(err)
			}
			if !bytes.Equal(k.identity.current.Load().Leaf.Raw, replicas[0].identity.current.Load().Leaf.Raw) {
				t.Error("replicas show different certificates")
			}
			if testutil.ToFloat64(k.metrics.synced) != 1 {
				t.Error("the bundle is said to be out of step")
			}
		}
		if c.secretWrites != 1 || c.configWrites != 1 {
			t.Errorf("%d writes of the Secret and %d of the configuration, want one each", c.secretWrites, c.configWrites)
		}
		if n := authorities(c.bundle()); n != 1 {
			t.Errorf("%d authorities are trusted", n)
		}
		if c.configuration.Webhooks[0].ClientConfig.CABundle != nil {
			t.Error("somebody else's webhook has got our authorities")
		}
	})
}

// TestARenewalIsKnownBeforeItIsShown looks every second, for half a year of which the keepers run around the renewals.
func TestARenewalIsKnownBeforeItIsShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newMemoryCluster()
		first := newTestKeeper(c)
		keep(t, time.Minute, first)
		old := first.identity.current.Load().Leaf
		for renewal := range 3 {
			time.Sleep(time.Until(first.identity.current.Load().Leaf.NotBefore.Add(backdate + renewAfter - time.Minute)))
			replicas := []*keeper{newTestKeeper(c), newTestKeeper(c), first}
			watch, stop := context.WithCancel(t.Context())
			watched := make(chan struct{})
			most := 0
			go func() {
				defer close(watched)
				time.Sleep(time.Second) // the first round
				for watch.Err() == nil {
					for _, k := range replicas {
						expectTrusted(t, k, c.bundle())
					}
					most = max(most, authorities(c.bundle()))
					time.Sleep(time.Second)
				}
			}()
			keep(t, 5*time.Minute, replicas...)
			stop()
			<-watched
			shown := replicas[0].identity.current.Load().Leaf
			if shown.Equal(old) {
				t.Fatalf("renewal %d: the old certificate is shown yet", renewal)
			}
			for _, k := range replicas {
				if !k.identity.current.Load().Leaf.Equal(shown) {
					t.Errorf("renewal %d: replicas show different certificates", renewal)
				}
			}
			if most != 2 {
				t.Errorf("renewal %d: %d authorities are trusted, want the old and the new one", renewal, most)
			}
			if got := testutil.ToFloat64(first.metrics.expiry); got != float64(shown.NotAfter.Unix()) {
				t.Errorf("renewal %d: expiry is said to be %v", renewal, got)
			}
			old = shown
		}
	})
}

func TestAnAuthorityIsKnownForAMinuteBeforeItsCertificateIsShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newMemoryCluster()
		k := newTestKeeper(c)
		keep(t, time.Minute, k)
		old := k.identity.current.Load()
		time.Sleep(renewAfter)
		keep(t, settle-lookEvery, k)
		if k.identity.current.Load() != old || authorities(c.bundle()) != 2 {
			t.Error("the new certificate is shown at once, or its authority is not published")
		}
		keep(t, 3*lookEvery, k)
		if k.identity.current.Load() == old {
			t.Error("the new certificate is not shown")
		}
	})
}

func TestWhileTheConfigurationCannotBeWrittenTheOldCertificateStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newMemoryCluster()
		k := newTestKeeper(c)
		keep(t, time.Minute, k)
		old := k.identity.current.Load()
		configuration := c.configuration
		c.configuration = nil
		time.Sleep(renewAfter)
		keep(t, time.Hour, k)
		if k.identity.current.Load() != old {
			t.Error("a certificate is shown that nobody knows")
		}
		if testutil.ToFloat64(k.metrics.synced) != 0 || testutil.ToFloat64(k.metrics.failures) == 0 {
			t.Error("metrics say that all is well")
		}
		c.configuration = configuration
		keep(t, 2*time.Minute, k)
		if k.identity.current.Load() == old {
			t.Error("the new certificate is not shown")
		}
		expectTrusted(t, k, c.bundle())
	})
}

func TestAnOldAuthorityGoesWhenItHasExpired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newMemoryCluster()
		k := newTestKeeper(c)
		keep(t, time.Minute, k)
		time.Sleep(renewAfter)
		keep(t, 3*time.Minute, k)
		time.Sleep(lifetime - renewAfter)
		keep(t, time.Minute, k)
		if n := authorities(c.bundle()); n != 1 {
			t.Errorf("%d authorities are trusted", n)
		}
		expectTrusted(t, k, c.bundle())
	})
}

func TestAnAPIServerThatIsAwayChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newMemoryCluster()
		k := newTestKeeper(c)
		c.down = true
		keep(t, time.Minute, k)
		if k.ready() == nil {
			t.Error("a replica without a certificate is ready")
		}
		c.down = false
		keep(t, time.Minute, k)
		shown := k.identity.current.Load()
		c.down = true
		keep(t, time.Minute, k)
		if k.identity.current.Load() != shown || k.ready() != nil {
			t.Errorf("the certificate has gone, or the replica is not ready: %v", k.ready())
		}
	})
}

func TestABundleThatSomebodyChangesIsMended(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newMemoryCluster()
		k := newTestKeeper(c)
		keep(t, time.Minute, k)
		c.configuration.Webhooks[1].ClientConfig.CABundle = nil
		c.configuration.ResourceVersion = c.next()
		keep(t, 2*lookEvery, k)
		expectTrusted(t, k, c.bundle())
	})
}

func TestASecretThatIsOfNoUseIsMadeAnew(t *testing.T) {
	other, err := newGeneration("other.test.svc", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(data map[string][]byte) map[string][]byte{
		"garbage": func(map[string][]byte) map[string][]byte {
			return map[string][]byte{"tls.crt": []byte("x"), "ca.crt": []byte("y")}
		},
		"no key":       func(d map[string][]byte) map[string][]byte { delete(d, "tls.key"); return d },
		"no authority": func(d map[string][]byte) map[string][]byte { delete(d, "ca.crt"); return d },
		"empty":        func(map[string][]byte) map[string][]byte { return nil },
		"of another name": func(map[string][]byte) map[string][]byte {
			return (&shared{[]*x509.Certificate{other.authority}, other.pair, nil}).write(nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newMemoryCluster()
				k := newTestKeeper(c)
				keep(t, time.Minute, k)
				c.secret.Data = spoil(c.secret.Data)
				c.secret.ResourceVersion = c.next()
				keep(t, time.Minute, k, newTestKeeper(c))
				expectTrusted(t, k, c.bundle())
				if s, err := readShared(c.secret.Data, host, time.Now()); err != nil || s.current == nil {
					t.Errorf("the Secret has no certificate: %v", err)
				}
			})
		})
	}
}

func TestASecretThatIsSpoiltAgainAndAgainDoesNotGrow(t *testing.T) {
	s := &shared{}
	for range 2 * maxTrusted {
		s.current = nil
		if _, err := s.advance(host, time.Now(), false); err != nil {
			t.Fatal(err)
		}
		if err := s.current.check(host, s.trusted, time.Now()); err != nil {
			t.Error(err)
		}
	}
	if len(s.trusted) != maxTrusted {
		t.Errorf("%d authorities are trusted", len(s.trusted))
	}
}

func TestASecretThatIsNotThereIsMadeWhereThatIsAllowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newMemoryCluster()
		c.secret, c.noCreate = nil, true
		k := newTestKeeper(c)
		keep(t, time.Minute, k)
		if k.identity.current.Load() != nil {
			t.Error("a certificate is shown that no other replica knows")
		}
		c.noCreate = false
		keep(t, time.Minute, k, newTestKeeper(c))
		expectTrusted(t, k, c.bundle())
		if c.secret.Type != corev1.SecretTypeOpaque {
			t.Errorf("its type is %q", c.secret.Type)
		}
	})
}

func TestWhatOthersHaveInTheSecretStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newMemoryCluster()
		c.secret.Data = map[string][]byte{"note": []byte("ours")}
		c.secret.Labels = map[string]string{"app": "x"}
		keep(t, time.Minute, newTestKeeper(c))
		if string(c.secret.Data["note"]) != "ours" || c.secret.Labels["app"] != "x" {
			t.Errorf("the Secret is %+v", c.secret)
		}
	})
}

// TestAReplicaThatSleepsWritesNothingOld lets one replica stop between the two things that it reads, while another one renews.
func TestAReplicaThatSleepsWritesNothingOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newMemoryCluster()
		slow, fast := newTestKeeper(c), newTestKeeper(c)
		keep(t, time.Minute, slow, fast)
		time.Sleep(renewAfter)
		stale := &staleSecret{memoryCluster: c}
		slow.cluster = stale
		stale.secret, _ = c.Secret(t.Context())
		stale.before = func() { keep(t, 20*time.Second, fast) }
		err := slow.round(t.Context())
		if !errors.Is(err, ErrConflict) {
			t.Errorf("the error is %v", err)
		}
		if n := authorities(c.bundle()); n != 2 {
			t.Errorf("%d authorities are trusted", n)
		}
	})
}

// A staleSecret has read the Secret before others changed it.
type staleSecret struct {
	*memoryCluster
	secret *corev1.Secret
	before func()
}

func (s *staleSecret) Secret(context.Context) (*corev1.Secret, error) {
	s.before()
	return s.secret.DeepCopy(), nil
}

func TestAConfigurationThatIsOldIsNotWrittenOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newMemoryCluster()
		k := newTestKeeper(c)
		c.betweenReading = func() {
			c.configuration.Webhooks[1].ClientConfig.CABundle = []byte("of a newer Secret")
			c.configuration.ResourceVersion = c.next()
		}
		if err := k.round(t.Context()); !errors.Is(err, ErrConflict) {
			t.Errorf("the error is %v", err)
		}
		if string(c.bundle()) != "of a newer Secret" {
			t.Error("it is written over")
		}
		if err := k.round(t.Context()); err != nil {
			t.Error(err)
		}
		expectTrusted(t, k, c.bundle())
	})
}

func TestAConfigurationOfOthersIsToldAndNotTouched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newMemoryCluster()
		c.configuration.Webhooks = c.configuration.Webhooks[:1]
		k := newTestKeeper(c)
		if err := k.round(t.Context()); err == nil || !strings.Contains(err.Error(), "goes to Service "+own+"/"+service) {
			t.Errorf("the error is %v", err)
		}
		if c.configWrites != 0 {
			t.Error("it is written")
		}
	})
}

func TestAnAuthorityVouchesForNothingElse(t *testing.T) {
	g, err := newGeneration(host, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if a := g.authority; !a.IsCA || !a.MaxPathLenZero || a.MaxPathLen != 0 || len(a.PermittedDNSDomains) != 1 || a.PermittedDNSDomains[0] != host {
		t.Errorf("the authority is %+v", a)
	}
	if bytes.Contains(encodeBundle([]*x509.Certificate{g.authority}), []byte("PRIVATE")) {
		t.Error("its key is kept")
	}
	if l := g.certificate.Leaf; l.IsCA || len(l.ExtKeyUsage) != 1 || l.ExtKeyUsage[0] != x509.ExtKeyUsageServerAuth {
		t.Errorf("the certificate is %+v", l)
	}
}
