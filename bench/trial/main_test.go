package trial

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"lameduck/bench/load"
)

// appPath and lameduckPath are the built app and Lameduck.
var appPath, lameduckPath string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "trial")
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	appPath, lameduckPath = filepath.Join(dir, "app"), filepath.Join(dir, "lameduck")
	if out, err := exec.Command("go", "build", "-o", dir, "lameduck/bench/app", "lameduck/cmd/lameduck").CombinedOutput(); err != nil {
		fmt.Printf("build app and lameduck: %v\n%s", err, out)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		os.RemoveAll(dir)
		os.Exit(code)
	}))
}

// mix returns every kind of request, each with some time in the app.
func mix() []load.Request {
	return []load.Request{
		{Method: "GET", Target: "/?wait=20ms"},
		{Method: "POST", Target: "/?wait=20ms", Body: 500},
		{Method: "GET", Target: "/?wait=20ms", NewConn: true},
		{Method: "POST", Target: "/?wait=20ms", Body: 500, NewConn: true},
	}
}
