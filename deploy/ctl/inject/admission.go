package inject

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	jsonpatchlib "gopkg.in/evanphx/json-patch.v4"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/yaml"
)

// admissionOptions returns the options that adapt the sidecar to the admission rules of a
// namespace.
func admissionOptions() []Option {
	return []Option{
		{"resources", "json", "resources of the sidecar, merged into the default, such as " +
			`{"limits":{"memory":"128Mi"}}; null removes one`, setResources},
		{"security-context", "json", "security context of the sidecar, merged into the default, such as " +
			`{"runAsUser":1000}; null removes a field`, setSecurityContext},
		{"pull-secrets", "names", "Secrets for pulling the image, comma-separated, which are added to " +
			"those of the pod", setPullSecrets},
	}
}

func setResources(s *Settings, value string) error {
	r, err := merged(s.Resources, value)
	if err != nil {
		return fmt.Errorf(`must be JSON of resources (for example {"limits":{"memory":"128Mi"}}): %w`, err)
	}
	for name, request := range r.Requests {
		if limit, set := r.Limits[name]; set && request.Cmp(limit) > 0 {
			return fmt.Errorf("requests %s of %s, more than its limit of %s: change the limit too",
				request.String(), name, limit.String())
		}
	}
	s.Resources = r
	return nil
}

func setSecurityContext(s *Settings, value string) error {
	c, err := merged(s.SecurityContext, value)
	if err != nil {
		return fmt.Errorf(`must be JSON of a container's security context (for example {"runAsUser":1000}): %w`, err)
	}
	s.SecurityContext = c
	return nil
}

// merged returns a value with a JSON Merge Patch (RFC 7386) applied. The patch may be in YAML.
func merged[T any](value T, patch string) (T, error) {
	var result T
	change, err := yaml.YAMLToJSONStrict([]byte(patch))
	if err != nil || !bytes.HasPrefix(change, []byte("{")) {
		return result, errors.New("must be a JSON object")
	}
	text, err := json.Marshal(value)
	if err != nil {
		return result, err
	}
	if text, err = jsonpatchlib.MergePatch(text, change); err != nil {
		return result, err
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	return result, decoder.Decode(&result)
}

func setPullSecrets(s *Settings, value string) error {
	names := list(value)
	for _, name := range names {
		if problems := validation.IsDNS1123Subdomain(name); len(problems) > 0 {
			return errors.New("must be names of Secrets, comma-separated (for example registry)")
		}
	}
	s.PullSecrets = names
	return nil
}

// uidRange is the annotation of OpenShift with the user ids of a namespace, and assignedSCC the one
// of a pod that got its user from there.
const (
	uidRange    = "openshift.io/sa.scc.uid-range"
	assignedSCC = "openshift.io/scc"
)

// securityContext returns the security context of Lameduck's container. Where the namespace assigns
// user ids, a fixed one is refused.
func (j *injection) securityContext() *corev1.SecurityContext {
	c := j.settings.SecurityContext.DeepCopy()
	fixed := restricted()
	if !j.limits.assignsUsers && j.current.Annotations[assignedSCC] == "" {
		return c
	}
	if c.RunAsUser != nil && *c.RunAsUser == *fixed.RunAsUser {
		c.RunAsUser = nil
	}
	if c.RunAsGroup != nil && *c.RunAsGroup == *fixed.RunAsGroup {
		c.RunAsGroup = nil
	}
	return c
}

// addPullSecrets adds the Secrets that the pod does not have.
func (j *injection) addPullSecrets() error {
	spec := &j.pod.Spec
	for _, name := range j.settings.PullSecrets {
		secret := corev1.LocalObjectReference{Name: name}
		if slices.Contains(spec.ImagePullSecrets, secret) {
			continue
		}
		if spec.ImagePullSecrets == nil {
			j.record.created("imagePullSecrets")
		}
		spec.ImagePullSecrets = append(spec.ImagePullSecrets, secret)
		j.record.PullSecrets = append(j.record.PullSecrets, name)
	}
	return nil
}

// removePullSecrets removes the Secrets that addPullSecrets has added.
func (r *record) removePullSecrets(spec *corev1.PodSpec) {
	spec.ImagePullSecrets = without(spec.ImagePullSecrets, func(s corev1.LocalObjectReference) bool {
		return slices.Contains(r.PullSecrets, s.Name)
	}, r.hasCreated("imagePullSecrets"))
}

// diffPullSecrets adds and removes the Secrets in which two lists differ.
func diffPullSecrets(p *patch, before, after []corev1.LocalObjectReference) {
	differs := func(s corev1.LocalObjectReference) bool {
		return !slices.Contains(before, s) || !slices.Contains(after, s)
	}
	diffList(p, "/spec/imagePullSecrets", before, after, differs, nil)
}

// placeholder is the registry in examples, which does not exist.
const placeholder = "registry.example/"

// CheckImage returns an error for the image of the examples: a pod with it never starts.
func CheckImage(image string) error {
	if strings.HasPrefix(image, placeholder) {
		return fmt.Errorf("must be one of your registry, got %s", image)
	}
	return nil
}
