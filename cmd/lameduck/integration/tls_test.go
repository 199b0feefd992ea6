package integration

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

func TestANewCertificateIsLoadedWithinFiveSeconds(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	cert, key := ca.issue(t, 1)
	files := newSecret(t, cert, key)
	d := startServe(t, startApp(t).addr, files.env()...)
	client := ca.trusting(nil, nil)
	if serial, err := shown(t, d.front, client); serial != 1 {
		t.Fatalf("the server has certificate %d, error %v; want 1", serial, err)
	}
	const limit, tries = 5 * time.Second, 3 // the machine may be busy
	took, current := limit+1, int64(1)
	replace := func() {
		t.Helper()
		current++
		cert, key = ca.issue(t, current)
		replaced := time.Now()
		files.replace(t, cert, key)
		eventually(t, "the new certificate is shown", func() bool {
			serial, err := shown(t, d.front, client)
			if err != nil {
				t.Fatalf("a client failed meanwhile: %v", err)
			}
			return serial == current
		})
		took = time.Since(replaced)
	}
	for try := 0; took > limit && try < tries; try++ {
		replace()
	}
	if took > limit {
		t.Errorf("that took %v, want at most %v", took, limit)
	}
	files.replace(t, []byte("broken"), key)
	d.logged(t, "new TLS certificate is invalid, keeping the old one")
	if serial, err := shown(t, d.front, client); serial != current {
		t.Errorf("certificate %d is served after a broken one, error %v; want still %d", serial, err, current)
	}
	replace() // a good one
	d.signal(t, syscall.SIGTERM)
	d.wantExit(t, exitOK)
}

func TestWithAClientCAClientsNeedACertificate(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	cert, key := ca.issue(t, 1)
	files := newSecret(t, cert, key)
	trusted := filepath.Join(t.TempDir(), "ca.crt")
	if err := os.WriteFile(trusted, ca.pem(), 0o600); err != nil {
		t.Fatal(err)
	}
	d := startServe(t, startApp(t).addr, append(files.env(), "LAMEDUCK_TLS_CLIENT_CA="+trusted)...)
	strangerCert, strangerKey := newAuthority(t).issue(t, 7)
	good := ca.trusting(ca.issue(t, 8))
	good.ClientSessionCache = tls.NewLRUClientSessionCache(1)
	if _, err := shown(t, d.front, good); err != nil {
		t.Errorf("a client with a certificate was refused: %v", err)
	}
	if _, err := shown(t, d.front, ca.trusting(nil, nil)); err == nil {
		t.Error("a client without a certificate was served")
	}
	if _, err := shown(t, d.front, ca.trusting(strangerCert, strangerKey)); err == nil {
		t.Error("a client with a certificate of another CA was served")
	}
	if err := os.WriteFile(trusted, newAuthority(t).pem(), 0o600); err != nil {
		t.Fatal(err)
	}
	d.logged(t, "TLS certificate loaded")
	if _, err := shown(t, d.front, good); err == nil {
		t.Error("a client whose CA is no longer trusted could resume its TLS session")
	}
	d.signal(t, syscall.SIGTERM)
	d.wantExit(t, exitOK)
}

func TestRouteWithTLSReencrypts(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	cert, key := ca.issue(t, 1)
	pair := keyPair(t, cert, key)
	app := startTLSApp(t, &tls.Config{Certificates: []tls.Certificate{pair}})
	d := startServe(t, app+";tls", newSecret(t, cert, key).env()...)
	for _, http2 := range []bool{false, true} {
		c := newSecureLoad(ca, http2)
		if err := c.exchange(d.front, "body"); err != nil {
			t.Errorf("with HTTP/2 %v: %v", http2, err)
		}
		c.client.CloseIdleConnections()
	}
	d.signal(t, syscall.SIGTERM)
	d.wantExit(t, exitOK)
}

// A busy app takes longer for the handshake than a dial takes.
func TestHealthChecksDoNotHoldAlthoughTheHandshakeWithTheAppIsSlow(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	cert, key := ca.issue(t, 1)
	pair := keyPair(t, cert, key)
	slow := func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		time.Sleep(50 * time.Millisecond)
		return &pair, nil
	}
	app := startTLSApp(t, &tls.Config{GetCertificate: slow})
	d := startServe(t, app+";tls", append(newSecret(t, cert, key).env(),
		"LAMEDUCK_HOLD_MIN=1s", "LAMEDUCK_GRACE_PERIOD=1m", "LAMEDUCK_HOLD_MAX=20s", "LAMEDUCK_LB_DELAY=0s")...)
	d.signal(t, syscall.SIGTERM)
	d.logged(t, "draining")
	d.wantQuietDespiteChecks(t, "https://"+d.front+"/", &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}})
}

func keyPair(t *testing.T, cert, key []byte) tls.Certificate {
	t.Helper()
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

// startTLSApp starts an app that terminates TLS.
func startTLSApp(t *testing.T, config *tls.Config) (address string) {
	t.Helper()
	ln := listen(t)
	app := &http.Server{Handler: http.HandlerFunc(hello), TLSConfig: config}
	go func() { _ = app.ServeTLS(ln, "", "") }()
	t.Cleanup(func() { _ = app.Close() })
	return ln.Addr().String()
}

func hello(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	fmt.Fprintf(w, "hello %s", body)
}

// startBoth starts an app that speaks HTTP/1 and HTTP/2 without TLS.
func startBoth(t *testing.T) (address string) {
	t.Helper()
	ln := listen(t)
	app := &http.Server{Handler: http.HandlerFunc(hello), Protocols: new(http.Protocols)}
	app.Protocols.SetHTTP1(true)
	app.Protocols.SetUnencryptedHTTP2(true)
	go func() { _ = app.Serve(ln) }()
	t.Cleanup(func() { _ = app.Close() })
	return ln.Addr().String()
}

// A secureLoad is an HTTPS client that never retries.
type secureLoad struct {
	client *http.Client
	http2  bool
	closes atomic.Int64 // answers with the close option
}

func newSecureLoad(ca *authority, http2 bool) *secureLoad {
	transport := &http.Transport{
		TLSClientConfig: ca.trusting(nil, nil), Protocols: new(http.Protocols), MaxIdleConnsPerHost: 10,
	}
	transport.Protocols.SetHTTP1(!http2)
	transport.Protocols.SetHTTP2(http2)
	return &secureLoad{client: &http.Client{Transport: transport, Timeout: waitTimeout}, http2: http2}
}

// A onceBody is the body of a request. It can be sent again only as long as nothing has read it.
type onceBody struct {
	io.Reader
	read *atomic.Bool
}

func newOnceBody(text string) onceBody { return onceBody{strings.NewReader(text), new(atomic.Bool)} }

func (b onceBody) Read(p []byte) (int, error) {
	b.read.Store(true)
	return b.Reader.Read(p)
}

func (b onceBody) Close() error { return nil }

// again returns the body, for the client to send it on another connection.
func (b onceBody) again() (io.ReadCloser, error) {
	if b.read.Load() {
		return nil, errors.New("the request may have been sent")
	}
	return b, nil
}

// exchange posts a body. The client cannot retry the request once it has sent some of the body.
// Before that it may have to: Go's HTTP/2 client assigns requests to a connection that has just
// received a GOAWAY, and closes their bodies when it notices.
func (l *secureLoad) exchange(address, text string) error {
	body := newOnceBody(text)
	req, err := http.NewRequest(http.MethodPost, "https://"+address, body)
	if err != nil {
		return err
	}
	req.GetBody = body.again
	req.ContentLength = int64(len(text))
	resp, err := l.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	switch {
	case err != nil:
		return err
	case resp.StatusCode != http.StatusOK || string(got) != "hello "+text:
		return fmt.Errorf("answered %s, %q", resp.Status, got)
	case (resp.ProtoMajor == 2) != l.http2:
		return fmt.Errorf("answered in %s", resp.Proto)
	case resp.Close:
		l.closes.Add(1)
	}
	return nil
}

// run sends requests with several workers until stopc is closed.
func (l *secureLoad) run(
	t *testing.T, address string, stopc <-chan struct{},
) (sent *atomic.Int64, done *sync.WaitGroup) {
	sent, done = new(atomic.Int64), new(sync.WaitGroup)
	for worker := range 8 {
		done.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stopc:
					return
				default:
				}
				if err := l.exchange(address, fmt.Sprintf("%d of %d", n, worker)); err != nil {
					t.Errorf("a request was lost: %v", err)
					return
				}
				sent.Add(1)
			}
		})
	}
	return sent, done
}

// The drain ends HTTP/1 connections with the close option and HTTP/2 connections with GOAWAY. TLS
// handshakes do not count as traffic, and on a busy machine they must not take longer than Quiet.
func TestHTTPSDrainsWithoutLoss(t *testing.T) {
	t.Parallel()
	for name, http2 := range map[string]bool{"HTTP/1": false, "HTTP/2": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ca := newAuthority(t)
			cert, key := ca.issue(t, 1)
			d := startServe(t, startBoth(t), append(newSecret(t, cert, key).env(),
				"LAMEDUCK_HOLD_QUIET=4s", "LAMEDUCK_GRACE_PERIOD=120s")...)
			l := newSecureLoad(ca, http2)
			stopc := make(chan struct{})
			sent, done := l.run(t, d.front, stopc)
			eventually(t, "the load runs", func() bool { return sent.Load() > 100 || t.Failed() })
			d.signal(t, syscall.SIGTERM)
			d.logged(t, "draining")
			before := sent.Load()
			eventually(t, "requests are served while draining, and the drain ends connections", func() bool {
				protocol := map[bool]string{false: "http1", true: "http2"}[http2]
				return t.Failed() || sent.Load() > before+100 && d.endedByDrain(t, protocol) > 0
			})
			close(stopc)
			done.Wait()
			l.client.CloseIdleConnections()
			d.wantExit(t, exitOK)
			if f := d.logged(t, "stopped"); f["reason"] != "quiet" || f["cut_exchanges"] != 0.0 {
				t.Errorf("summary %v, want quiet at the end and nothing cut", f)
			}
			if !http2 && l.closes.Load() == 0 {
				t.Error("no answer had the close option")
			}
		})
	}
}

func TestCurlOverHTTPS(t *testing.T) {
	t.Parallel()
	curl := requireProgram(t, "curl")
	ca := newAuthority(t)
	cert, key := ca.issue(t, 1)
	trusted := filepath.Join(t.TempDir(), "ca.crt")
	if err := os.WriteFile(trusted, ca.pem(), 0o600); err != nil {
		t.Fatal(err)
	}
	d := startServe(t, startBoth(t), newSecret(t, cert, key).env()...)
	_, port, _ := net.SplitHostPort(d.front)
	post := func(option string) string {
		out, err := exec.Command(curl, "-sS", option, "--cacert", trusted, "--resolve", "app.example:"+port+":127.0.0.1",
			"-w", " in %{http_version}", "--data", "body", "https://app.example:"+port+"/").CombinedOutput()
		if err != nil || !strings.HasPrefix(string(out), "hello body in ") {
			t.Fatalf("curl %s printed %q, error %v", option, out, err)
		}
		return strings.TrimPrefix(string(out), "hello body in ")
	}
	if got := post("--http1.1"); got != "1.1" {
		t.Errorf("curl --http1.1 got HTTP/%s", got)
	}
	// It gets HTTP/1 as long as the app has not shown that it supports HTTP/2.
	eventually(t, "curl --http2 is answered in HTTP/2", func() bool { return post("--http2") == "2" })
	d.signal(t, syscall.SIGTERM)
	d.wantExit(t, exitOK)
}

// On one port lameduck terminates TLS. The other is a passthrough, here of plain HTTP.
func TestRouteWithPassthroughDoesNotTerminateTLS(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	cert, key := ca.issue(t, 1)
	app, other := startApp(t), freeAddress(t)
	d := startServe(t, app.addr+","+other+"="+app.addr+";passthrough", newSecret(t, cert, key).env()...)
	if serial, err := shown(t, d.front, ca.trusting(nil, nil)); serial != 1 {
		t.Errorf("the server has certificate %d, error %v; want 1", serial, err)
	}
	if a := get(t, "http://"+other+"/"); a.body != "hello" {
		t.Errorf("answer %+v in clear text, want the app's", a)
	}
	d.signal(t, syscall.SIGTERM)
	d.wantExit(t, exitOK)
}
