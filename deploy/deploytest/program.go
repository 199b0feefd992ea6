package deploytest

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"testing"

	"lameduck/bench/port"
)

// Program returns the path of an installed program. If it is missing, the test is skipped, but in
// CI it fails. install is the command that installs it.
func Program(t testing.TB, name, install string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	switch {
	case err == nil:
	case os.Getenv("CI") != "":
		t.Fatalf("%s is missing: %s", name, install)
	default:
		t.Skipf("%s is missing: %s", name, install)
	}
	return path
}

// Build compiles a command of this module and returns the path of the binary.
func Build(t testing.TB, pkg string) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), path.Base(pkg))
	if output, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, pkg).CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", pkg, err, output)
	}
	return binary
}

// Start runs a program until the test ends, with only PATH and env in its environment. Its output
// is in the log of a test that fails.
func Start(t testing.TB, dir string, env []string, program string, args ...string) {
	t.Helper()
	log, err := os.Create(filepath.Join(dir, filepath.Base(program)+".log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, args...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, append(env, "PATH="+os.Getenv("PATH")), log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		log.Close()
		if output, err := os.ReadFile(log.Name()); t.Failed() && err == nil {
			t.Logf("%s: %s", filepath.Base(program), output)
		}
	})
}

// FreeAddr returns a loopback address at which no other test makes a program listen.
func FreeAddr(t testing.TB) string {
	t.Helper()
	addr, err := port.Addr()
	if err != nil {
		t.Fatal(err)
	}
	return addr
}

// Fetch returns the body of a URL. Any status but 200 is an error.
func Fetch(url string) (string, error) {
	client := http.Client{Timeout: WaitTimeout}
	response, err := client.Get(url)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", response.Status, text)
	}
	return string(text), err
}
