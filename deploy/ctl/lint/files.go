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

	"lameduck/deploy/ctl/manifest"
)

// ReadFiles adds what is in files, in directories and, for "-", in the standard input. Recursive: in the directories below them too. In a
// directory, documents that are no objects of Kubernetes are left out.
func (in *Inventory) ReadFiles(paths []string, recursive bool, stdin io.Reader) error {
	all, err := withFilesBelow(paths, recursive)
	if err != nil {
		return err
	}
	files, err := manifest.Read(all, stdin)
	if err != nil {
		return err
	}
	r := newReader()
	for _, f := range files {
		named := f.Name == manifest.Stdin || slices.Contains(paths, f.Name)
		for _, o := range f.Objects() {
			if err := in.readObject(r, o, named); err != nil {
				return err
			}
		}
	}
	return nil
}

// withFilesBelow puts the manifests below directories in their place, but for those that are hidden.
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
		err := filepath.WalkDir(path, func(file string, d fs.DirEntry, err error) error {
			switch hidden := file != path && strings.HasPrefix(d.Name(), "."); {
			case err != nil:
				return err
			case d.IsDir() && hidden:
				return fs.SkipDir
			case file == path && !d.IsDir() || !d.IsDir() && !hidden && isManifest(file):
				all = append(all, file)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

func isManifest(file string) bool {
	return slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(file))
}

var errNoObject = errors.New("no object of Kubernetes: apiVersion or kind is missing")

// readObject adds one. Named: somebody has asked for its file, so that it is to be an object.
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
	o, strays, err := r.decode(text)
	if err != nil {
		return fmt.Errorf("%v: %v: %w", m.Position(""), m, err)
	}
	if o == nil {
		return in.readForeign(m)
	}
	in.Add(o, locator(m))
	for _, s := range strays {
		in.strays = append(in.strays, newStray(objectOf(m), s))
	}
	return nil
}

// readForeign adds what makes pods and is of no kind of Kubernetes' own.
func (in *Inventory) readForeign(m *manifest.Object) error {
	w, err := m.Workload()
	if w == nil || err != nil {
		return err
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

// addUnread notes an object of a version that is not read.
func (in *Inventory) addUnread(m *manifest.Object) {
	in.gaps = append(in.gaps, gap{
		object: objectOf(m), resource: m.APIVersion + " " + m.Kind,
		why: "this version is not read, so no rule looks at it", fix: "write it in the version that the API server of today has: kubectl explain " + strings.ToLower(m.Kind),
	})
}

func objectOf(m *manifest.Object) object {
	return newObject(m.Kind, metav1.ObjectMeta{Namespace: m.Namespace, Name: m.Name}, locator(m))
}

// locator finds the lines of an object's fields.
func locator(m *manifest.Object) Locator {
	return func(field string) (string, int) {
		p := m.Position(manifest.Pointer(field))
		return p.File, p.Line
	}
}

// quotedField is how the strict decoder names a field.
var quotedField = regexp.MustCompile(`field "([^"]+)"`)

func newStray(o object, message string) stray {
	s := stray{object: o, what: message}
	if found := quotedField.FindStringSubmatch(message); found != nil {
		s.field = found[1]
	}
	return s
}
