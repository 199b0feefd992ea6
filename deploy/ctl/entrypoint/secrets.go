package entrypoint

import (
	"context"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	corev1 "k8s.io/api/core/v1"

	"lameduck/deploy/ctl/inject"
)

// A SecretReader returns a Secret.
type SecretReader func(ctx context.Context, namespace, name string) (*corev1.Secret, error)

// PullSecrets returns the keychains of pods: their pull Secrets, as far as these have one of the
// allowed names.
func PullSecrets(read SecretReader, allowed []string) Keychains {
	return func(ctx context.Context, namespace string, q inject.ImageQuestion) (authn.Keychain, error) {
		s := &secrets{}
		for _, secret := range q.Secrets {
			if !slices.Contains(allowed, secret) {
				s.skipped = append(s.skipped, "Secret "+secret+" is not one of --entrypoint-secrets")
				continue
			}
			object, err := read(ctx, namespace, secret)
			if err != nil {
				s.skipped = append(s.skipped, "Secret "+secret+" cannot be read")
				continue
			}
			if err := s.add(object); err != nil {
				s.skipped = append(s.skipped, "Secret "+secret+" is malformed")
			}
		}
		return s, nil
	}
}

// secrets are the credentials of pull Secrets.
type secrets struct {
	entries []credential
	skipped []string // Secrets that give nothing, with the reason
}

// A credential is for the repositories under a host and a path. The host may have wildcards.
type credential struct {
	host, path string
	config     authn.AuthConfig
}

// missing returns the reasons why Secrets were left out, in parentheses, or an empty string.
func (s *secrets) missing() string {
	if len(s.skipped) == 0 {
		return ""
	}
	return " (" + strings.Join(s.skipped, ", ") + ")"
}

// add adds the credentials of a Secret, in either of its formats.
func (s *secrets) add(object *corev1.Secret) error {
	var auths map[string]authn.AuthConfig
	if text, is := object.Data[corev1.DockerConfigJsonKey]; is {
		var file struct{ Auths map[string]authn.AuthConfig }
		if err := json.Unmarshal(text, &file); err != nil {
			return err
		}
		auths = file.Auths
	} else if err := json.Unmarshal(object.Data[corev1.DockerConfigKey], &auths); err != nil {
		return err
	}
	for where, config := range auths {
		s.entries = append(s.entries, newCredential(where, config))
	}
	// The most specific comes first, as in the kubelet.
	slices.SortStableFunc(s.entries, func(a, b credential) int {
		return strings.Compare(b.host+"/"+b.path, a.host+"/"+a.path)
	})
	return nil
}

func newCredential(where string, config authn.AuthConfig) credential {
	where = strings.TrimPrefix(strings.TrimPrefix(where, "https://"), "http://")
	host, under, _ := strings.Cut(where, "/")
	under = strings.Trim(under, "/")
	if under == "v1" || under == "v2" { // the version of the protocol
		under = ""
	}
	if host == "docker.io" || host == "registry-1.docker.io" {
		host = name.DefaultRegistry
	}
	return credential{host, under, config}
}

// Resolve implements authn.Keychain.
func (s *secrets) Resolve(r authn.Resource) (authn.Authenticator, error) {
	repository := strings.TrimPrefix(r.String(), r.RegistryStr()+"/")
	for _, c := range s.entries {
		if c.matches(r.RegistryStr(), repository) {
			return authn.FromConfig(c.config), nil
		}
	}
	return authn.Anonymous, nil
}

func (c credential) matches(host, repository string) bool {
	if c.path != "" && c.path != repository && !strings.HasPrefix(repository, c.path+"/") {
		return false
	}
	if c.host == host {
		return true
	}
	// A wildcard stands for a part of one label.
	return slices.EqualFunc(strings.Split(c.host, "."), strings.Split(host, "."), func(pattern, label string) bool {
		match, err := path.Match(pattern, label)
		return err == nil && match
	})
}

// String hides the credentials from logs.
func (s *secrets) String() string { return fmt.Sprintf("%d credentials", len(s.entries)) }
