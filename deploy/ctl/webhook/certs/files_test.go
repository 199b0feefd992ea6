package certs

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"lameduck/cmd/lameduck/filewatch"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/zap"
)

// writeFiles writes a new certificate to a directory.
func writeFiles(t *testing.T, dir string) (FilePaths, *issuedCert) {
	t.Helper()
	g, err := issue(host, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	paths := FilePaths{filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")}
	for path, text := range map[string][]byte{paths.Cert: g.certPEM, paths.Key: g.keyPEM} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return paths, g
}

func TestFilesAreReadAgainAndBrokenOnesRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		paths, first := writeFiles(t, dir)
		m := NewMetrics(prometheus.NewRegistry(), false)
		store := NewStore(m)
		s, err := NewFiles(paths, store, zap.NewNop())
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		go s.Run(ctx)
		time.Sleep(filewatch.Interval / 2) // the files are not being written at the time of a check
		expect := func(want *issuedCert, failures float64) {
			t.Helper()
			time.Sleep(2 * filewatch.Interval)
			if !store.current.Load().Leaf.Equal(want.certificate.Leaf) {
				t.Error("another certificate is shown")
			}
			if got := testutil.ToFloat64(m.failures); got != failures {
				t.Errorf("%v failures are counted, want %v", got, failures)
			}
		}
		_, second := writeFiles(t, dir)
		expect(second, 0)
		if err := os.WriteFile(paths.Key, first.keyPEM, 0o600); err != nil {
			t.Fatal(err)
		}
		expect(second, 1) // a key of another certificate
		if err := os.Remove(paths.Cert); err != nil {
			t.Fatal(err)
		}
		expect(second, 2)
		_, third := writeFiles(t, dir)
		expect(third, 2)
		stop()
	})
}
