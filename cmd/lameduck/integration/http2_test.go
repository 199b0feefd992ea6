package integration

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// An http2Client makes a few requests, and reports whether they were answered.
type http2Client struct {
	name     string
	upgrades bool // the client begins with HTTP/1.1
	run      func(t *testing.T, url string) bool
}

var http2Clients = []http2Client{
	{"curl", false, func(t *testing.T, url string) bool {
		return getPage(t, page+"2", "curl", "-sSf", "-m", "60", "-w", "%{http_version}", "--http2-prior-knowledge", url)
	}},
	{"curl, upgrading", true, func(t *testing.T, url string) bool {
		return getPage(t, page+"2", "curl", "-sSf", "-m", "60", "-w", "%{http_version}", "--http2", url)
	}},
	{"nghttp", false, func(t *testing.T, url string) bool {
		return getPage(t, strings.Repeat(page, 20), "nghttp", "--multiply=20", url)
	}},
	{"nghttp, upgrading", true, func(t *testing.T, url string) bool {
		return getPage(t, page, "nghttp", "--upgrade", url)
	}},
}

func getPage(t *testing.T, want, program string, args ...string) bool {
	got, ok := runClient(t, program, args...)
	if ok && got != want {
		t.Errorf("%s %v printed %q, want %q", program, args, got, want)
		return false
	}
	return ok
}

// Clients connect before the termination and until the load balancer has learned of it.
func TestHTTP2ClientsLoseNothing(t *testing.T) {
	for _, a := range http2Apps {
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			app, address := a.start(t, publicDir(t))
			p := startPod(t, app, address, append(realHold, "LAMEDUCK_GRACE_PERIOD=120s")...)
			url := "http://" + p.lameduck.front + "/"
			var clients []http2Client
			for _, c := range http2Clients {
				if a.upgrades || !c.upgrades {
					clients = append(clients, c)
				}
			}
			for _, c := range clients {
				c.run(t, url)
			}
			hook := p.beginEnd(t)
			over := time.After(lag)
			stopped := make(chan struct{})
			var running sync.WaitGroup
			for _, c := range clients {
				running.Go(func() {
					for ok := true; ok && !isClosed(stopped); {
						ok = c.run(t, url)
					}
				})
			}
			<-over
			close(stopped)
			running.Wait()
			p.end(t, hook)
			p.lameduck.wantQuietEnd(t)
		})
	}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// After a GOAWAY h2load sends no further requests, and reports those that it has not sent as
// failures. So the test compares the requests that were answered with those that reached lameduck.
func TestH2loadLosesNothingOfWhatItHasSent(t *testing.T) {
	for _, a := range http2Apps {
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			app, address := a.start(t, publicDir(t))
			p := startPod(t, app, address, append(realHold, "LAMEDUCK_GRACE_PERIOD=120s")...)
			h2load := start(t, nil, requireProgram(t, "h2load"),
				"--clients=4", "--max-concurrent-streams=10", "--threads=1", "--requests=100000000", "http://"+p.lameduck.front+"/")
			eventually(t, "requests have been answered", func() bool { return p.lameduck.exchanges(t) > 100 })
			hook := p.beginEnd(t)
			h2load.wait(t)
			eventually(t, "all connections have ended", func() bool { return p.lameduck.endedByDrain(t, "http2") == 4 })
			report := h2load.stdout.String()
			counts := h2loadCounts.FindStringSubmatch(report)
			if counts == nil || counts[1] != strconv.Itoa(p.lameduck.exchanges(t)) || counts[1] != counts[2] {
				t.Errorf("lameduck relayed %d exchanges, h2load reported\n%s", p.lameduck.exchanges(t), report)
			}
			p.end(t, hook)
			p.lameduck.wantQuietEnd(t)
		})
	}
}

var h2loadCounts = regexp.MustCompile(`(?s)requests: .* (\d+) succeeded, .*status codes: (\d+) 2xx`)

// The final GOAWAY names the stream of the download, which is not complete then: the kernel buffers
// no more than a second of it.
func TestAnHTTP2DownloadIsFinishedInADrain(t *testing.T) {
	for _, a := range http2Apps {
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			p, curl, whole := startDownload(t, a, 48<<20, "8M")
			p.lameduck.awaitMetric(t, "lameduck_exchanges_in_flight", "1")
			curl.signal(t, syscall.SIGSTOP) // on a busy machine the download may end before the drain begins
			hook := p.beginEnd(t)
			curl.signal(t, syscall.SIGCONT)
			curl.wantExit(t, 0)
			whole()
			p.end(t, hook)
			p.lameduck.wantTerminationLog(t, "http2 connections ended: 1 by drain")
			p.lameduck.wantQuietEnd(t)
		})
	}
}

// startDownload starts curl with a file of a pod's app, at a limited rate. wantWhole expects that
// the whole file has arrived.
func startDownload(t *testing.T, a http2App, size int64, rate string) (p *pod, curl *program, wantWhole func()) {
	t.Helper()
	root := publicDir(t)
	file := randomFile(t, filepath.Join(root, "file"), size)
	app, address := a.start(t, root)
	p = startPod(t, app, address, append(realHold, "LAMEDUCK_GRACE_PERIOD=120s")...)
	got := filepath.Join(t.TempDir(), "got")
	curl = start(t, nil, requireProgram(t, "curl"),
		"-sSf", "--http2-prior-knowledge", "--limit-rate", rate, "-o", got, "http://"+p.lameduck.front+"/file")
	return p, curl, func() {
		t.Helper()
		if b, err := os.ReadFile(got); err != nil || !bytes.Equal(b, file) {
			t.Errorf("%d bytes arrived, %v; want the %d of the file", len(b), err, len(file))
		}
	}
}
