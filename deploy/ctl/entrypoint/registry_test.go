package entrypoint

import (
	"context"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"lameduck/deploy/ctl/inject"
)

// host is the registry of tests in memory.
const host = "registry.test"

// A hub is a registry in memory. Its handler may be wrapped.
type hub struct {
	t        *testing.T
	handler  http.Handler
	requests atomic.Int32
	delay    atomic.Int64 // of each answer, in nanoseconds
}

func newHub(t *testing.T) *hub {
	t.Helper()
	return &hub{t: t, handler: registry.New(registry.Logger(log.New(io.Discard, "", 0)))}
}

// RoundTrip serves a request without a connection, so that it works in virtual time.
func (h *hub) RoundTrip(r *http.Request) (*http.Response, error) {
	h.requests.Add(1)
	if delay := time.Duration(h.delay.Load()); delay > 0 {
		timer := time.NewTimer(delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	if r.Body == nil {
		r.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	h.handler.ServeHTTP(w, r)
	answer := w.Result()
	answer.Request = r
	return answer, nil
}

// push puts an image or an index into the registry and returns its digest.
func (h *hub) push(where string, what remote.Taggable) string {
	h.t.Helper()
	ref, err := name.ParseReference(where)
	if err != nil {
		h.t.Fatal(err)
	}
	was := h.handler
	if guarded, is := was.(*tokens); is {
		h.handler = guarded.Handler // without credentials
	}
	defer func() { h.handler = was }()
	delay := h.delay.Swap(0)
	defer h.delay.Store(delay)
	switch what := what.(type) {
	case v1.ImageIndex:
		err = remote.WriteIndex(ref, what, remote.WithTransport(h))
	case v1.Image:
		err = remote.Write(ref, what, remote.WithTransport(h))
	}
	if err != nil {
		h.t.Fatal(err)
	}
	h.requests.Store(0)
	digest, err := what.(interface{ Digest() (v1.Hash, error) }).Digest()
	if err != nil {
		h.t.Fatal(err)
	}
	return digest.String()
}

// image returns an image for a system with a configuration.
func image(t *testing.T, system string, c v1.Config) v1.Image {
	t.Helper()
	i, err := mutate.ConfigFile(empty.Image, &v1.ConfigFile{OS: system, Architecture: "amd64", Config: c})
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// A platform is a member of an index.
type platform struct {
	system, architecture string // an empty system means that the index has no platform for it
	config               v1.Config
}

func index(t *testing.T, platforms ...platform) v1.ImageIndex {
	t.Helper()
	var all []mutate.IndexAddendum
	for _, p := range platforms {
		add := mutate.IndexAddendum{Add: image(t, p.system, p.config)}
		if p.system != "" {
			add.Platform = &v1.Platform{OS: p.system, Architecture: p.architecture}
		}
		all = append(all, add)
	}
	return mutate.AppendManifests(empty.Index, all...)
}

// asker returns an Asker of the registry in memory. Its timeout is long, as a machine may be busy.
func (h *hub) asker(k Keychains) *Asker {
	return h.askerFor(Config{Keychains: k, Timeout: time.Minute})
}

func (h *hub) askerFor(c Config) *Asker {
	c.Registries, c.Transport = Registries{host}, h
	a := New(c)
	h.t.Cleanup(a.Close)
	return a
}

// ask asks for an image and returns the words of the answer, or of the error.
func ask(ctx context.Context, a *Asker, image string, secrets ...string) (inject.ImageConfig, string) {
	config, err := a.Ask(ctx, "shop", inject.ImageQuestion{Image: image, Secrets: secrets})
	if err != nil {
		return config, err.Error()
	}
	return config, ""
}

// words joins a command for comparisons.
func words(c inject.ImageConfig) string {
	return strings.Join(c.Entrypoint, " ") + "|" + strings.Join(c.Cmd, " ") + "|" + c.StopSignal
}
