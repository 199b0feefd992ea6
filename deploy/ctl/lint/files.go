package lint

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"lameduck/deploy/ctl/inject"
	"lameduck/deploy/ctl/manifest"
	"lameduck/deploy/ctl/mode"
)

// ReadFiles adds the objects of files, directories and, for "-", standard input. With recursive it
// reads subdirectories too. In a directory it ignores documents that are not Kubernetes objects.
func (in *Inventory) ReadFiles(paths []string, recursive bool, stdin io.Reader) error {
	all, err := withFilesBelow(paths, recursive)
	if err != nil {
		return err
	}
	files, err := manifest.Read(all, stdin)
	if err != nil {
		return err
	}
	r, patches := newReader(), manifest.Patches(files)
	for _, f := range files {
		named := f.Name == manifest.Stdin || slices.Contains(paths, f.Name)
		for _, o := range f.Objects() {
			if patches[f.Name] {
				in.addPatch(o)
				continue
			}
			if err := in.readObject(r, o, named); err != nil {
				return err
			}
		}
	}
	return nil
}

// withFilesBelow replaces directories by the manifests below them, without hidden ones.
func withFilesBelow(paths []string, recursive bool) ([]string, error) {
	if !recursive {
		return paths, nil
	}
	var all []string
	for _, path := range paths {
		if path == "-" {
			all = append(all, path)
			continue
		}
		below, err := manifestsBelow(path)
		if err != nil {
			return nil, err
		}
		all = append(all, below...)
	}
	return all, nil
}

// manifestsBelow returns the manifests below a directory, or the path itself if it is a file.
func manifestsBelow(root string) ([]string, error) {
	var found []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		hidden := path != root && strings.HasPrefix(d.Name(), ".")
		switch {
		case err != nil:
			return err
		case d.IsDir() && hidden:
			return fs.SkipDir
		case d.IsDir() || hidden:
			return nil
		case path == root || isManifest(path):
			found = append(found, path)
		}
		return nil
	})
	return found, err
}

func isManifest(file string) bool {
	return slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(file))
}

var errNoObject = errors.New("must be a Kubernetes object with apiVersion and kind")

// readObject adds an object. With named, a document that is not an object is an error.
func (in *Inventory) readObject(r *reader, m *manifest.Object, named bool) error {
	switch {
	case m.APIVersion == "" || m.Kind == "":
		if named {
			return fmt.Errorf("%v: %w", m.Position(""), errNoObject)
		}
		return nil
	case otherVersion(m.APIVersion, m.Kind):
		in.addUnread(m)
		return nil
	}
	var text json.RawMessage
	if err := m.Decode("", &text); err != nil {
		return err
	}
	o, unknown, err := r.decode(text)
	if err != nil && m.DecodeWords("", &text) == nil {
		o, unknown, err = r.decode(text)
	}
	if err != nil {
		return r.located(m, err)
	}
	switch {
	case m.IsPatch():
		in.addPatch(m)
		return nil
	case o == nil && isPolicy(m):
		return in.addPolicy(m)
	case o == nil && m.Kind == scaledObject && strings.HasPrefix(m.APIVersion, "keda.sh/"):
		return in.addScaledObject(m)
	case o == nil:
		return in.readForeign(m)
	}
	in.Add(o, locator(m))
	for _, s := range unknown {
		in.unknownFields = append(in.unknownFields, newUnknownField(objectOf(m), s))
	}
	return nil
}

// isPolicy reports whether an object is a policy of Cilium, Calico or another kind that a mode
// depends on.
func isPolicy(m *manifest.Object) bool {
	group, _, _ := strings.Cut(m.APIVersion, "/")
	return mode.IsPolicy(group, m.Kind)
}

func (in *Inventory) addPolicy(m *manifest.Object) error {
	var object map[string]any
	if err := m.Decode("", &object); err != nil {
		return err
	}
	in.objects++
	in.others = append(in.others, mode.NewPolicy(m.Kind, m.Namespace, m.Name, object))
	return nil
}

// readForeign adds a custom resource that makes pods.
func (in *Inventory) readForeign(m *manifest.Object) error {
	w, err := m.Workload()
	if err != nil {
		return err
	}
	if w == nil {
		in.addHolder(m)
		return nil
	}
	var head struct {
		metav1.ObjectMeta `json:"metadata"`
		Spec              struct{ Replicas *int32 }
	}
	if err := m.Decode("", &head); err != nil {
		return err
	}
	in.objects++
	in.addWorkload(m.Kind, head.ObjectMeta, w.Template, nil, locator(m)).desired = head.Spec.Replicas
	return nil
}

// addHolder records an object of an unknown kind that holds pods.
func (in *Inventory) addHolder(m *manifest.Object) {
	for _, h := range m.Holders(inject.InjectLabel + "=disabled") {
		if h.OptsOut || h.Ends {
			continue
		}
		in.unread = append(in.unread, unreadResource{
			object: objectOf(m), resource: m.APIVersion + " " + m.Kind,
			why: "it has a pod specification at " + h.Pointer + ", and this kind is not supported, so no " +
				"rule checks it",
			fix: "lint a Deployment with the same pod template",
		})
	}
}

// addPatch records a patch of a kustomization, which is not an object.
func (in *Inventory) addPatch(m *manifest.Object) {
	in.unread = append(in.unread, unreadResource{
		object: objectOf(m), resource: m.APIVersion + " " + m.Kind,
		why: "this is a patch of kustomize and not an object, so no rule checks it",
		fix: "lint what kustomize builds: kubectl kustomize DIR | lameduckctl lint -",
	})
}

// addUnread records an object of an unsupported version.
func (in *Inventory) addUnread(m *manifest.Object) {
	in.unread = append(in.unread, unreadResource{
		object: objectOf(m), resource: m.APIVersion + " " + m.Kind,
		why: "this version is not supported, so no rule checks it",
		fix: "use the current version of the API: kubectl explain " + strings.ToLower(m.Kind),
	})
}

func objectOf(m *manifest.Object) object {
	return newObject(m.Kind, metav1.ObjectMeta{Namespace: m.Namespace, Name: m.Name}, locator(m))
}

// locator returns the positions of the fields of an object.
func locator(m *manifest.Object) Locator {
	return func(field string) (string, int) {
		p := m.Position(manifest.Pointer(field))
		return p.File, p.Line
	}
}

// quotedField matches the field in an error of the strict decoder.
var quotedField = regexp.MustCompile(`field "([^"]+)"`)

func newUnknownField(o object, message string) unknownField {
	s := unknownField{object: o, what: message}
	if found := quotedField.FindStringSubmatch(message); found != nil {
		s.field = found[1]
	}
	return s
}
