package lint

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kyaml "sigs.k8s.io/kustomize/kyaml/yaml"
	"sigs.k8s.io/yaml"
)

// StandardInput is the path that stands for it, and stdinName what findings call it.
const (
	StandardInput = "-"
	stdinName     = "<stdin>"
)

// ReadFiles adds what is in files, in the directories' files below them that end in .yaml, .yml or .json, and in the standard input.
// A file is YAML of one or more documents, each an object or a List of them. In a directory, documents that are none are left out.
func (in *Inventory) ReadFiles(paths []string, recursive bool, stdin io.Reader) error {
	r := newReader()
	for _, path := range paths {
		if err := in.readPath(r, path, recursive, stdin); err != nil {
			return err
		}
	}
	return nil
}

func (in *Inventory) readPath(r *reader, path string, recursive bool, stdin io.Reader) error {
	if path == StandardInput {
		text, err := io.ReadAll(stdin)
		if err != nil {
			return fmt.Errorf("read standard input: %w", err)
		}
		return in.readText(r, stdinName, text, true)
	}
	return filepath.WalkDir(path, func(file string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && file != path && (!recursive || strings.HasPrefix(d.Name(), ".")):
			return fs.SkipDir
		case d.IsDir() || file != path && !isManifest(file):
			return nil
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		return in.readText(r, file, text, file == path)
	})
}

func isManifest(file string) bool {
	return slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(file))
}

// readText adds the documents of a file. Strict: each is to be an object.
func (in *Inventory) readText(r *reader, file string, text []byte, strict bool) error {
	documents := kyaml.NewDecoder(bytes.NewReader(text))
	for {
		var document kyaml.Node
		if err := documents.Decode(&document); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("%s: %w%s", file, err, templateHint(text))
		}
		if err := in.readDocument(r, manifest{file, root(&document)}, strict); err != nil {
			return err
		}
	}
}

// templateHint says what to do about a file that is a template of YAML and not YAML itself.
func templateHint(text []byte) string {
	if bytes.Contains(text, []byte("{{")) {
		return ": it is a template; lint what it makes: helm template ... | lameduckctl lint -"
	}
	return ""
}

// A manifest is an object as it is written.
type manifest struct {
	file string
	node *kyaml.Node
}

func root(document *kyaml.Node) *kyaml.Node {
	if document.Kind == kyaml.DocumentNode && len(document.Content) == 1 {
		return document.Content[0]
	}
	return document
}

func (in *Inventory) readDocument(r *reader, m manifest, strict bool) error {
	apiVersion, kind := m.scalar("apiVersion"), m.scalar("kind")
	switch {
	case m.node.Kind == kyaml.DocumentNode || m.node.Kind == kyaml.ScalarNode && m.node.Value == "":
		return nil // nothing but comments
	case apiVersion == "" || kind == "":
		if strict {
			return fmt.Errorf("%s:%d: %w", m.file, m.node.Line, errNotAnObject)
		}
		return nil
	case strings.HasSuffix(kind, "List") && m.child("items") != nil:
		return in.readList(r, m)
	case otherVersion(apiVersion, kind):
		in.addUnread(m, apiVersion, kind)
		return nil
	}
	return in.readObject(r, m, kind)
}

func (in *Inventory) readList(r *reader, m manifest) error {
	items := m.child("items")
	if items.Kind != kyaml.SequenceNode {
		return nil // null: there are none
	}
	for _, item := range items.Content {
		if err := in.readDocument(r, manifest{m.file, item}, true); err != nil {
			return err
		}
	}
	return nil
}

func (in *Inventory) readObject(r *reader, m manifest, kind string) error {
	text, err := m.json()
	if err != nil {
		return fmt.Errorf("%s:%d: %w", m.file, m.node.Line, err)
	}
	o, strays, err := r.decode(text)
	if err != nil {
		return fmt.Errorf("%s:%d: %s: %w", m.file, m.node.Line, kind, err)
	}
	if o == nil {
		return nil
	}
	in.Add(o, m.locate)
	for _, s := range strays {
		in.strays = append(in.strays, newStray(m.object(kind), s))
	}
	return nil
}

// addUnread notes an object of a version that is not read.
func (in *Inventory) addUnread(m manifest, apiVersion, kind string) {
	in.gaps = append(in.gaps, gap{
		object: m.object(kind), resource: apiVersion + " " + kind,
		why: "this version is not read, so no rule looks at it", fix: "write it in the version that the API server of today has: kubectl explain " + strings.ToLower(kind),
	})
}

// json is what the API server gets, with YAML read as kubectl reads it.
func (m manifest) json() ([]byte, error) {
	text, err := kyaml.Marshal(m.node)
	if err != nil {
		return nil, err
	}
	return yaml.YAMLToJSONStrict(text)
}

func (m manifest) object(kind string) object {
	metadata := manifest{m.file, m.child("metadata")}
	return newObject(kind, metav1.ObjectMeta{Namespace: metadata.scalar("namespace"), Name: metadata.scalar("name")}, m.locate)
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
