package entrypoint

import (
	"io"
	"log"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var nginx = v1.Config{Entrypoint: []string{"/docker-entrypoint.sh"}, Cmd: []string{"nginx", "-g", "daemon off;"},
	StopSignal: "SIGQUIT", User: "101", WorkingDir: "/srv"}

const nginxWords = "/docker-entrypoint.sh|nginx -g daemon off;|SIGQUIT"

func TestTheCommandOfAnImage(t *testing.T) {
	t.Parallel()
	other := nginx
	other.Cmd = []string{"nginx"}
	signal := nginx
	signal.StopSignal = ""
	long := nginx
	long.Cmd = []string{strings.Repeat("x", maxCommand)}
	many := make([]platform, maxPlatforms+1)
	for i := range many {
		many[i] = platform{"linux", "amd64", nginx}
	}
	one, two := platform{"linux", "amd64", nginx}, platform{"linux", "arm64", nginx}
	for name, tc := range map[string]struct {
		push any
		want string // words of the answer, or a part of the error
	}{
		"an image":               {image(t, "linux", nginx), nginxWords},
		"an image of no system":  {image(t, "", nginx), nginxWords},
		"no command":             {image(t, "linux", v1.Config{}), "||"},
		"an image of Windows":    {image(t, "windows", nginx), "not for Linux"},
		"too long a command":     {image(t, "linux", long), "too long"},
		"platforms that agree":   {index(t, one, two), nginxWords},
		"platforms that differ":  {index(t, one, platform{"linux", "arm64", other}), "different"},
		"signals that differ":    {index(t, one, platform{"linux", "arm64", signal}), "different"},
		"Windows and Linux":      {index(t, platform{"windows", "amd64", other}, one), nginxWords},
		"an attestation":         {index(t, one, platform{"unknown", "unknown", v1.Config{}}), nginxWords},
		"an index for Windows":   {index(t, platform{"windows", "amd64", nginx}), "not for Linux"},
		"an index of no system":  {index(t, platform{"", "", nginx}), nginxWords},
		"an empty index":         {index(t), "not for Linux"},
		"an index of too many":   {index(t, many...), "too many platforms"},
		"an index of an indexes": {mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: index(t)}), "index of indexes"},
		"nothing":                {nil, "does not have the image"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHub(t)
			digest := ""
			switch what := tc.push.(type) {
			case v1.ImageIndex:
				digest = h.push(host+"/app:1", what)
			case v1.Image:
				digest = h.push(host+"/app:1", what)
			}
			config, problem := ask(t.Context(), h.asker(nil), host+"/app:1")
			if strings.Contains(tc.want, "|") {
				if problem != "" || words(config) != tc.want || config.Digest != digest {
					t.Errorf("answer %+v, error %s", config, problem)
				}
			} else if !strings.Contains(problem, tc.want) || !strings.Contains(problem, host) {
				t.Errorf("answer %+v, error %q, want %q", config, problem, tc.want)
			}
		})
	}
}

// The library's own registry, on a real connection.
func TestARegistryOnLoopbackNeedsNoTLS(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	server := httptest.NewServer(h.handler)
	defer server.Close()
	h.push(host+"/app:1", image(t, "linux", nginx))
	where := server.Listener.Addr().String()
	a := New(Config{Registries: Registries{where}, Timeout: time.Minute})
	defer a.Close()
	if config, problem := ask(t.Context(), a, where+"/app:1"); words(config) != nginxWords {
		t.Errorf("answer %+v, error %s", config, problem)
	}
}

func TestACertificateThatIsNotTrusted(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(newHub(t).handler)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	// The library would try HTTP at an address of loopback. A name is for TLS only.
	_, port, _ := strings.Cut(server.Listener.Addr().String(), ":")
	where := "127.0.0.2:" + port
	a := New(Config{Registries: Registries{where}, Timeout: time.Minute, Transport: dialing(server.Listener.Addr())})
	defer a.Close()
	if _, problem := ask(t.Context(), a, where+"/app:1"); !strings.Contains(problem, "certificate that is not trusted") {
		t.Errorf("error %q", problem)
	}
}

// The pod is not kept waiting, and the answer is there for the next one.
func TestASlowRegistryIsNotAwaited(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t)
		digest := h.push(host+"/app:1", index(t, platform{"linux", "amd64", nginx}, platform{"linux", "arm64", nginx}))
		h.delay.Store(int64(200 * time.Millisecond)) // it takes four answers, one after another
		a := h.askerFor(Config{})
		began := time.Now()
		_, problem := ask(t.Context(), a, host+"/app:1")
		if waited := time.Since(began); waited != DefaultTimeout ||
			problem != "registry registry.test did not answer within 500ms" {
			t.Errorf("after %s: %q", waited, problem)
		}
		time.Sleep(time.Second)
		config, problem := ask(t.Context(), a, host+"/app@"+digest)
		if problem != "" {
			config, problem = ask(t.Context(), a, host+"/app:1")
		}
		if words(config) != nginxWords {
			t.Errorf("later the answer is %+v, error %s", config, problem)
		}
	})
}

func TestARegistryThatNeverAnswersIsGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t)
		h.delay.Store(int64(time.Hour))
		a := h.askerFor(Config{})
		var all sync.WaitGroup
		for i := range maxFlights + 10 { // none may leave a goroutine behind
			all.Go(func() {
				began := time.Now()
				_, problem := ask(t.Context(), a, host+"/app"+strings.Repeat("x", i)+":1")
				if waited := time.Since(began); problem == "" || waited > DefaultTimeout {
					t.Errorf("after %s: %q", waited, problem)
				}
			})
		}
		all.Wait()
		time.Sleep(2 * fetchTimeout)
		a.mu.Lock()
		defer a.mu.Unlock()
		if len(a.flights) > 0 {
			t.Errorf("%d fetches are left, want none", len(a.flights))
		}
	})
}

func TestAPanicIsNoEnd(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	h.handler = nil
	a := h.asker(nil)
	for range maxFetches + 1 {
		if _, problem := ask(t.Context(), a, host+"/app:1"); problem != "internal error" {
			t.Errorf("error %q", problem)
		}
	}
}

// A digest is fetched once. A tag is resolved each time, as it may move.
func TestAnAnswerIsKeptByDigest(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	digest := h.push(host+"/app:1", image(t, "linux", nginx))
	a := h.asker(nil)
	for i, tc := range []struct {
		image    string
		requests int32
		want     string
	}{
		{host + "/app:1", 3, nginxWords}, // ping, manifest, configuration
		{host + "/app:1", 2, nginxWords}, // ping, digest
		{host + "/app@" + digest, 2, nginxWords},
		{host + "/app@" + digest, 0, nginxWords},
	} {
		h.requests.Store(0)
		config, problem := ask(t.Context(), a, tc.image)
		if got := h.requests.Load(); words(config) != tc.want || got != tc.requests {
			t.Errorf("%d: %d requests, the answer is %+v, error %s", i, got, config, problem)
		}
	}
	moved := nginx
	moved.Cmd = []string{"moved"}
	h.push(host+"/app:1", image(t, "linux", moved))
	if config, _ := ask(t.Context(), a, host+"/app:1"); config.Cmd[0] != "moved" {
		t.Errorf("the tag has moved, and the answer is %+v", config)
	}
}

// Pods that are created together ask once.
func TestTheSameQuestionIsAskedOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t)
		h.push(host+"/app:1", image(t, "linux", nginx))
		h.delay.Store(int64(10 * time.Millisecond))
		a := h.asker(nil)
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				if config, problem := ask(t.Context(), a, host+"/app:1"); words(config) != nginxWords {
					t.Errorf("answer %+v, error %s", config, problem)
				}
			})
		}
		all.Wait()
		if got := h.requests.Load(); got != 3 {
			t.Errorf("%d requests", got)
		}
	})
}

func TestOnlyAllowedRegistriesAreAsked(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	a := h.asker(nil)
	for _, image := range []string{"nginx:1", "other.test/app:1", host + ":5000/app:1", "registry.test.evil.test/a", "UPPER/x:1"} {
		if _, problem := ask(t.Context(), a, image); problem == "" || h.requests.Load() > 0 {
			t.Errorf("%s: error %q, %d requests", image, problem, h.requests.Load())
		}
	}
	for value, hosts := range map[string]string{
		"docker.io": "index.docker.io", "ghcr.io, registry.example:5000": "ghcr.io registry.example:5000", "all": "any.test",
	} {
		r, err := ParseRegistries(value)
		if err != nil {
			t.Errorf("%s: %v", value, err)
		}
		for host := range strings.FieldsSeq(hosts) {
			if !r.Allow(host) {
				t.Errorf("%s does not allow %s", value, host)
			}
		}
	}
	for _, value := range []string{"", "ghcr.io,", "https://ghcr.io", "ghcr.io/team", "ghcr.io,all"} {
		if r, err := ParseRegistries(value); err == nil {
			t.Errorf("%q becomes %v", value, r)
		}
	}
}
