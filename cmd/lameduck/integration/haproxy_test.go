package integration

import (
	"fmt"
	"io"
	"net"
	"path/filepath"
	"testing"
)

// startHAProxy starts a HAProxy in front of pods for gRPC. forget stops its traffic to the pod with
// an index.
func startHAProxy(t *testing.T, pods ...string) (address string, forget func(pod int)) {
	t.Helper()
	path := requireProgram(t, "haproxy")
	root, port := publicDir(t), freePort(t)
	config := fillIn(t, "haproxy.cfg", root, struct {
		Root, Port string
		Pods       []string
	}{root, port, pods})
	start(t, nil, path, "-db", "-f", config)
	return awaitListener(t, "127.0.0.1:"+port), func(pod int) {
		t.Helper()
		c, err := net.Dial("unix", filepath.Join(root, "control"))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_, _ = fmt.Fprintf(c, "set server pods/pod%d state maint\n", pod)
		if answer, err := io.ReadAll(c); err != nil || len(answer) > 1 {
			t.Fatalf("HAProxy answers %q, %v", answer, err)
		}
	}
}
