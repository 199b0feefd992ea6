package waitroom

import (
	"net/netip"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// bytesPerCaller is the most memory that a waiting caller may take, in bytes. It takes 750, and
// 1,400 with the race detector. The stack of a goroutine alone would take 2 KiB.
const bytesPerCaller = 2048

func TestACallerCostsAFewHundredBytes(t *testing.T) {
	const callers = 2000
	r := newTestRoom(callers, -1)
	address := netip.MustParseAddrPort(startServer(t, r))
	sockets := make([]int, 0, callers)
	defer func() {
		for _, fd := range sockets {
			_ = unix.Close(fd)
		}
	}()
	call := func(n int) {
		for range n {
			sockets = append(sockets, dialRaw(t, address))
		}
	}
	call(100) // memory that is allocated once
	awaitWaiting(t, r, 100)
	before := memory()
	call(callers - 100)
	awaitWaiting(t, r, callers)
	each := (memory() - before) / (callers - 100)
	t.Logf("%d bytes for each caller", each)
	if each > bytesPerCaller {
		t.Errorf("a caller takes %d bytes, want at most %d", each, bytesPerCaller)
	}
}

// memory returns the bytes of the heap and of the stacks that are in use.
func memory() int {
	runtime.GC()
	runtime.GC() // empties the pools of net/http
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc + m.StackInuse)
}

// dialRaw calls with a socket that takes nothing but a descriptor of the process.
func dialRaw(t *testing.T, address netip.AddrPort) (fd int) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Connect(fd, &unix.SockaddrInet4{Port: int(address.Port()), Addr: address.Addr().As4()}); err != nil {
		t.Fatal(err)
	}
	if _, err := unix.Write(fd, []byte("GET /hold HTTP/1.1\r\nHost: lameduck\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	return fd
}
