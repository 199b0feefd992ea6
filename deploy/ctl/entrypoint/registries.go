package entrypoint

import (
	"errors"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
)

// all allows every registry.
const all = "all"

// Registries are the hosts of registries that may be asked, with their ports if these are not 443.
type Registries []string

// ParseRegistries reads hosts separated by commas, or "all".
func ParseRegistries(value string) (Registries, error) {
	if strings.TrimSpace(value) == all {
		return Registries{all}, nil
	}
	var hosts Registries
	for host := range strings.SplitSeq(value, ",") {
		r, err := name.NewRegistry(strings.TrimSpace(host), name.StrictValidation)
		if err != nil || strings.TrimSpace(host) == all {
			return nil, errors.New("must be hosts of registries, comma-separated (for example " +
				"docker.io,ghcr.io,registry.example:5000), or all")
		}
		hosts = append(hosts, r.RegistryStr()) // docker.io has another name
	}
	return hosts, nil
}

// Allow reports whether a registry may be asked.
func (r Registries) Allow(host string) bool {
	return slices.Contains(r, host) || slices.Equal(r, Registries{all})
}
