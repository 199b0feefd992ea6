package entrypoint

import (
	"sync"

	"github.com/google/go-containerregistry/pkg/name"

	"lameduck/deploy/ctl/inject"
)

// maxCached bounds each list of the cache. A full list is emptied, at the cost of one more question
// for each image.
const maxCached = 1000

// A cache has the configurations of digests, and which questions had an answer. A digest never
// changes its meaning, but only callers that the registry has answered may learn it.
type cache struct {
	mu      sync.Mutex
	configs map[string]inject.ImageConfig // by repository and digest
	askers  map[string]bool               // by the key of a flight
}

func (c *cache) config(repository name.Repository, digest string) (inject.ImageConfig, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	config, is := c.configs[repository.Name()+"@"+digest]
	return config, is
}

// add adds a configuration, by its digest.
func (c *cache) add(repository name.Repository, config inject.ImageConfig) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.configs == nil || len(c.configs) >= maxCached {
		c.configs = make(map[string]inject.ImageConfig)
	}
	c.configs[repository.Name()+"@"+config.Digest] = config
}

// asked records that a question had an answer.
func (c *cache) asked(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.askers == nil || len(c.askers) >= maxCached {
		c.askers = make(map[string]bool)
	}
	c.askers[key] = true
}

func (c *cache) hasAsked(key string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.askers[key]
}
