package proxy_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A ban is a dependency between packages that must not exist.
type ban struct {
	tree   string // of packages: a directory and all below it
	path   string // of the package that they must not import, nor any below it
	except string // except these, separated by spaces
	reason string
}

// leaf is the reason why framing code handles only bytes.
const leaf = "a leaf package handles bytes: no socket, no clock, and no other package"

// bans apply to all code except tests.
var bans = []ban{
	{"../proxy", "lameduck/lifecycle", "lameduck/lifecycle/silence lameduck/lifecycle/accept lameduck/lifecycle/sockdiag", "the relay knows no phase; it shares leaf packages with the lifecycle"},
	{"../proxy", "lameduck/cmd", "", "a command is wiring, and nobody's library"},
	{"../proxy", "net/http", "", "bytes are passed on as they come; net/http parses, normalizes and buffers them"},
	{"../proxy", "os/signal", "", "signals are the command's, and what they mean is the lifecycle's"},
	{"../proxy/h1", "net", "", leaf},
	{"../proxy/h2", "net", "", leaf},
	{"../proxy/ws", "net", "", leaf},
	{"../proxy/pp", "net", "", leaf},
	{"../proxy/h1", "time", "", leaf},
	{"../proxy/h2", "time", "", leaf},
	{"../proxy/ws", "time", "", leaf},
	{"../proxy/h1", "lameduck", "", leaf},
	{"../proxy/h2", "lameduck", "", leaf},
	{"../proxy/ws", "lameduck", "", leaf},
	{"../proxy/pp", "lameduck", "", leaf},
	{"../proxy/socket", "lameduck", "lameduck/lifecycle/sockdiag", "sockets are made and accepted below the relay"},
	{"../proxy/tlsterm", "lameduck", "lameduck/proxy/pump lameduck/proxy/h2", "TLS is terminated below the relay, which passes functions"},
	{"../proxy/tlsterm", "github.com/prometheus", "", "the relay counts"},
	{"../proxy/tlsterm", "go.uber.org/zap", "", "the relay logs"},
	{"../lifecycle/sockdiag", "lameduck", "", "sockdiag is a leaf: the relay and the lifecycle look at sockets through it"},
	{"../lifecycle/observe", "lameduck", "lameduck/lifecycle/silence lameduck/lifecycle/sockdiag", "what is observed is judged by the rule of relayed traffic, and by nobody else"},
	{"../lifecycle", "lameduck/proxy", "", "the lifecycle decides from facts; it sees the data plane through the interface Relay, which a test can play"},
	{"../lifecycle", "lameduck/cmd", "", "a command is wiring, and nobody's library"},
	{"../lifecycle/silence", "net", "net/netip", "a source is an address, not a connection"},
	{"../lifecycle/silence", "os", "", "what is required of a source follows from instants that are handed in"},
	{"../lifecycle/silence", "log", "", "the caller knows what is worth a line"},
	{"../lifecycle/silence", "go.uber.org/zap", "", "the caller knows what is worth a line"},
	{"../lifecycle/silence", "context", "", "nothing here waits, so there is nothing to cancel"},
	{"../lifecycle/silence", "lameduck", "", "silence is a leaf: others import it"},
}

func TestTheArrowsBetweenPackages(t *testing.T) {
	for _, b := range bans {
		files := sources(t, b.tree)
		if len(files) == 0 {
			t.Errorf("%s has no source", b.tree)
		}
		for _, file := range files {
			b.expect(t, file)
		}
	}
}

// expect reports banned imports of a file.
func (b *ban) expect(t *testing.T, file string) {
	t.Helper()
	source, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	for _, spec := range source.Imports {
		path, _ := strconv.Unquote(spec.Path.Value)
		if !slices.Contains(strings.Fields(b.except), path) && (path == b.path || strings.HasPrefix(path, b.path+"/")) {
			t.Errorf("%s imports %s: %s", file, path, b.reason)
		}
	}
}

// sources returns the files of a tree that are not tests.
func sources(t *testing.T, tree string) (files []string) {
	t.Helper()
	err := filepath.WalkDir(tree, func(path string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
