package takeover

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/zap"
)

// BenchmarkOtherSystemCalls compares a system call of a child whose binds are moved with that of
// one without a filter.
func BenchmarkOtherSystemCalls(b *testing.B) {
	b.Run("without takeover", func(b *testing.B) {
		out, err := exec.Command(os.Args[0], "child", "spin:"+strconv.Itoa(b.N)).Output()
		if err != nil && len(out) == 0 {
			b.Fatal(err)
		}
		reportSpin(b, string(out))
	})
	b.Run("with takeover", func(b *testing.B) {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			b.Fatal(err)
		}
		defer ln.Close()
		p, err := NewPort(ln, nil, noFront)
		if err != nil {
			b.Fatal(err)
		}
		r, w, err := os.Pipe()
		if err != nil {
			b.Fatal(err)
		}
		null, err := os.Open(os.DevNull)
		if err != nil {
			b.Fatal(err)
		}
		defer null.Close()
		t := New([]*Port{p}, zap.NewNop())
		defer t.Close()
		pid, err := t.Spawn("/proc/self/exe", []string{"test", "child", "spin:" + strconv.Itoa(b.N)}, &syscall.ProcAttr{
			Files: []uintptr{null.Fd(), w.Fd(), 2},
		})
		_ = w.Close()
		if err != nil {
			b.Fatal(err)
		}
		out, _ := io.ReadAll(r)
		_, _ = syscall.Wait4(pid, nil, 0, nil)
		_ = r.Close()
		reportSpin(b, string(out))
	})
}

// reportSpin reports the child's measurement.
func reportSpin(b *testing.B, out string) {
	var ns float64
	if _, err := fmt.Sscanf(strings.TrimSpace(out), "spin %f", &ns); err != nil {
		b.Fatalf("the child printed %q", out)
	}
	b.ReportMetric(ns, "ns/op")
}
