//go:build e2e

package e2e

import (
	"archive/tar"
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
)

// An image has one program, the libraries that it is linked with, and the given files. It has no
// shell.
type image struct {
	name       string
	program    string
	as         string            // name of the program in the image; by default its own
	user       string            // by default root
	stopSignal string            // by default SIGTERM
	files      map[string]string // contents by path
}

// write writes the image as an archive in the format of `docker save`.
func (i image) write(path string) error {
	layer, err := i.layer()
	if err != nil {
		return err
	}
	sum := sha256.Sum256(layer)
	config, err := json.Marshal(map[string]any{
		"architecture": runtime.GOARCH, "os": "linux", "created": "1970-01-01T00:00:00Z",
		"config": map[string]any{
			"Entrypoint": []string{"/" + i.entrypoint()}, "Env": []string{"PATH=/"}, "User": i.user,
			"StopSignal": i.stopSignal,
		},
		"rootfs": map[string]any{"type": "layers", "diff_ids": []string{"sha256:" + hex.EncodeToString(sum[:])}},
	})
	if err != nil {
		return err
	}
	manifest, err := json.Marshal([]any{map[string]any{"Config": "config.json", "RepoTags": []string{i.name},
		"Layers": []string{"layer.tar"}}})
	if err != nil {
		return err
	}
	archive, err := tarOf([]file{{"manifest.json", manifest, 0o644}, {"config.json", config, 0o644},
		{"layer.tar", layer, 0o644}})
	if err != nil {
		return err
	}
	return os.WriteFile(path, archive, 0o644)
}

func (i image) entrypoint() string { return cmp.Or(i.as, filepath.Base(i.program)) }

func (i image) layer() ([]byte, error) {
	program, err := os.ReadFile(i.program)
	if err != nil {
		return nil, err
	}
	files := []file{{i.entrypoint(), program, 0o755}}
	for _, path := range libraries(i.program) {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		files = append(files, file{strings.TrimPrefix(path, "/"), text, 0o755})
	}
	for _, path := range slices.Sorted(maps.Keys(i.files)) {
		files = append(files, file{path, []byte(i.files[path]), 0o644})
	}
	return tarOf(files)
}

var libraryPath = regexp.MustCompile(`/\S+`)

// libraries returns the paths of the shared libraries of a program.
func libraries(program string) []string {
	said, err := exec.Command("ldd", program).Output()
	if err != nil {
		return nil
	}
	return libraryPath.FindAllString(string(said), -1)
}

type file struct {
	path string
	text []byte
	mode int64
}

func tarOf(files []file) ([]byte, error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range files {
		if err := w.WriteHeader(&tar.Header{Name: f.path, Size: int64(len(f.text)), Mode: f.mode,
			Typeflag: tar.TypeReg}); err != nil {
			return nil, err
		}
		if _, err := w.Write(f.text); err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return b.Bytes(), err
}
