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

// appPath is the app, built once for all tests.
var appPath string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "trial")
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	appPath = filepath.Join(dir, "app")
	if out, err := exec.Command("go", "build", "-o", appPath, "lameduck/bench/app").CombinedOutput(); err != nil {
		fmt.Printf("build app: %v\n%s", err, out)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		os.RemoveAll(dir)
		os.Exit(code)
	}))
}

// mix is every kind of request, each with some time in the app.
func mix() []load.Request {
	return []load.Request{
		{Method: "GET", Target: "/?wait=20ms"},
		{Method: "POST", Target: "/?wait=20ms", Body: 500},
		{Method: "GET", Target: "/?wait=20ms", NewConn: true},
		{Method: "POST", Target: "/?wait=20ms", Body: 500, NewConn: true},
	}
}
