package entrypoint

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"

	"lameduck/deploy/ctl/inject"
)

const (
	// DefaultTimeout is how long Ask waits. An API server waits two seconds for the webhook by default.
	DefaultTimeout = 500 * time.Millisecond

	// fetchTimeout is how long a fetch goes on for the next question.
	fetchTimeout = 10 * time.Second

	// maxName bounds the name of an image, because reasons quote the registry.
	maxName = 1024

	// maxFetches bounds the fetches that run at a time, and maxFlights those that run or wait.
	maxFetches = 16
	maxFlights = 256
)

// A Keychains returns the credentials for a question of a namespace.
type Keychains func(ctx context.Context, namespace string, q inject.ImageQuestion) (authn.Keychain, error)

// Config configures an Asker.
type Config struct {
	Registries Registries    // that may be asked
	Keychains  Keychains     // if nil, all questions are anonymous
	Timeout    time.Duration // of Ask; 0 means DefaultTimeout

	// Transport is for tests; if nil, it is like the default of package http.
	Transport http.RoundTripper
}

// An Asker asks registries. Its methods may be called at the same time.
type Asker struct {
	config    Config
	transport http.RoundTripper
	slots     chan struct{}   // has one element for each fetch that runs
	ctx       context.Context //nolint:containedctx // of fetches, which outlast the requests for them
	stop      context.CancelFunc
	cache     cache

	mu      sync.Mutex
	flights map[string]*flight // by key
}

// New returns an Asker. The caller must call its Close.
func New(c Config) *Asker {
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	a := &Asker{config: c, transport: newTransport(c.Transport), slots: make(chan struct{}, maxFetches),
		flights: make(map[string]*flight)}
	a.ctx, a.stop = context.WithCancel(context.Background())
	return a
}

// Close ends all fetches. It does not wait for a credential helper, which cannot be interrupted.
func (a *Asker) Close() {
	a.stop()
	if t, is := a.transport.(interface{ CloseIdleConnections() }); is {
		t.CloseIdleConnections()
	}
}

// A flight is one fetch for all callers with the same question.
type flight struct {
	done   chan struct{} // closed when config and err are set
	config inject.ImageConfig
	err    error
}

// Ask implements inject.Images.
func (a *Asker) Ask(
	ctx context.Context, namespace string, q inject.ImageQuestion,
) (inject.ImageConfig, error) {
	ref, err := name.ParseReference(q.Image)
	if err != nil || len(q.Image) > maxName {
		return inject.ImageConfig{}, reason("the name of the image is malformed")
	}
	host := ref.Context().RegistryStr()
	if !a.config.Registries.Allow(host) {
		return inject.ImageConfig{}, reason(fmt.Sprintf("registry %s is not one of --entrypoint-registries", host))
	}
	f := a.join(namespace, q, ref)
	if f == nil {
		return inject.ImageConfig{}, reason("too many other images are being asked for")
	}
	timer := time.NewTimer(a.config.Timeout)
	defer timer.Stop()
	select {
	case <-f.done:
		return f.config, f.err
	case <-timer.C:
	case <-ctx.Done():
	}
	return inject.ImageConfig{}, reason(fmt.Sprintf("registry %s did not answer within %s", host, a.config.Timeout))
}

// join returns the flight for a question. It starts one if there is none, and returns nil if there
// are too many.
func (a *Asker) join(namespace string, q inject.ImageQuestion, ref name.Reference) *flight {
	key := strings.Join(append([]string{namespace, ref.Name()}, q.Secrets...), "\n")
	a.mu.Lock()
	defer a.mu.Unlock()
	f := a.flights[key]
	if f == nil && len(a.flights) < maxFlights {
		f = &flight{done: make(chan struct{})}
		a.flights[key] = f
		go a.fly(key, f, namespace, q, ref)
	}
	return f
}

// fly runs a fetch.
func (a *Asker) fly(key string, f *flight, namespace string, q inject.ImageQuestion, ref name.Reference) {
	ctx, cancel := context.WithTimeout(a.ctx, fetchTimeout)
	defer cancel()
	defer func() {
		if recover() != nil { // a registry must not end the program
			f.err = reason("internal error")
		}
		close(f.done)
		a.mu.Lock()
		delete(a.flights, key)
		a.mu.Unlock()
	}()
	select {
	case a.slots <- struct{}{}:
		defer func() { <-a.slots }()
		f.config, f.err = a.fetch(ctx, key, namespace, q, ref)
	case <-ctx.Done():
		f.err = reason("too many other images are being asked for")
	}
}
