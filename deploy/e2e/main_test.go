//go:build e2e

package e2e

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The images that the tests build, with names that no registry has.
const (
	duckImage  = "localhost/lameduck:e2e"
	ctlImage   = "localhost/lameduckctl:e2e"
	appImage   = "localhost/lameduck-app:e2e"
	chatImage  = "localhost/lameduck-chat:e2e"
	nginxImage = "localhost/nginx:e2e"
)

// waitTimeout bounds a wait for something that must happen, beyond the time that it is known to take.
// Only a failing test takes that long.
const waitTimeout = 2 * time.Minute

func TestMain(m *testing.M) {
	if err := loadImages(); err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// loadImages builds the images and loads them into the cluster.
func loadImages() error {
	command := strings.Fields(os.Getenv("E2E_LOAD_IMAGE"))
	if len(command) == 0 {
		return fmt.Errorf("E2E_LOAD_IMAGE is not set: a command that loads the image archive whose path is " +
			"its last argument, such as kind load image-archive")
	}
	dir, err := os.MkdirTemp("", "lameduck-e2e")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	for _, i := range images() {
		archive := filepath.Join(dir, "image.tar")
		if err := i.write(archive); err != nil {
			return fmt.Errorf("make image %s: %w", i.name, err)
		}
		said, err := exec.Command(command[0], append(command[1:], archive)...).CombinedOutput()
		if err != nil {
			return fmt.Errorf("load image %s: %w: %s", i.name, err, said)
		}
	}
	return nil
}

func images() []image {
	bin := binaries()
	return []image{
		{name: duckImage, program: filepath.Join(bin, "lameduck"), user: "65532:65532"},
		{name: ctlImage, program: filepath.Join(bin, "lameduckctl"), user: "65532:65532"},
		{name: appImage, program: filepath.Join(bin, "app"), user: "65532:65532"},
		{name: chatImage, program: filepath.Join(bin, "app"), as: "chat", user: "65532:65532"},
		// Like the official image of nginx: root, and a stop signal for a graceful exit.
		{name: nginxImage, program: "/usr/sbin/nginx", stopSignal: "SIGQUIT", files: map[string]string{
			"etc/nginx/nginx.conf": nginxConf, "etc/passwd": "root:x:0:0::/:\nnobody:x:65534:65534::/:\n",
			"etc/group":           "root:x:0:\nnogroup:x:65534:\n",
			"var/lib/nginx/.keep": "", "var/log/nginx/.keep": "", "run/.keep": "",
			"srv/index.html": "It works.\n",
		}},
	}
}

const nginxConf = `
daemon off;
pid /run/nginx.pid;
error_log stderr;
events {}
http {
    access_log off;
    server {
        listen 80;
        root /srv;
    }
}
`

// binaries returns the directory of the programs that make e2e builds.
func binaries() string { return cmp.Or(os.Getenv("E2E_BIN"), "../../bin/e2e") }
