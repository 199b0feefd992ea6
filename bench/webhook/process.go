package main

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"lameduck/bench/internal/procfs"
)

// host is the name in the webhook's certificate.
const host = "webhook.load.svc"

// A process is a running webhook.
type process struct {
	command  *exec.Cmd
	requests string // address
	roots    *x509.CertPool
}

// start builds the webhook, unless there is a binary, and runs it on one core.
func start(ctx context.Context, dir, binary string) (*process, error) {
	if binary == "" {
		binary = filepath.Join(dir, "lameduckctl")
		build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o",
			binary,
			"./cmd/lameduckctl")
		build.Env, build.Stderr = append(os.Environ(), "CGO_ENABLED=0"), os.Stderr
		if err := build.Run(); err != nil {
			return nil, fmt.Errorf("build lameduckctl, from the module's directory: %w", err)
		}
	}
	roots, err := writeCertificate(dir)
	if err != nil {
		return nil, err
	}
	p := &process{roots: roots}
	p.command = exec.CommandContext(ctx, binary, "webhook", "--listen=127.0.0.1:0",
		"--metrics=127.0.0.1:0", "--namespace=load", "--shape=native", "--drain=0s",
		"--tls-cert="+filepath.Join(dir, "tls.crt"), "--tls-key="+filepath.Join(dir, "tls.key"))
	p.command.Env = append(os.Environ(), "GOMAXPROCS=1")
	p.command.Cancel = func() error { return p.command.Process.Signal(syscall.SIGTERM) }
	log, err := p.command.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := p.command.Start(); err != nil {
		return nil, err
	}
	if p.requests, err = address(log); err != nil {
		p.end()
		return nil, err
	}
	return p, nil
}

// address reads the log up to the line with the listener's address.
func address(log io.Reader) (string, error) {
	var output strings.Builder
	lines := bufio.NewScanner(log)
	for lines.Scan() {
		var line struct{ Msg, Requests string }
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "listening" {
			go func() { _, _ = io.Copy(io.Discard, log) }() // ends with the process
			return line.Requests, nil
		}
		output.WriteString(lines.Text() + "\n")
	}
	return "", errors.New("the webhook does not listen: " + output.String())
}

// end sends SIGTERM to the webhook and waits for its end.
func (p *process) end() {
	_ = p.command.Process.Signal(syscall.SIGTERM)
	timer := time.AfterFunc(30*time.Second, func() { _ = p.command.Process.Kill() })
	defer timer.Stop()
	_ = p.command.Wait()
}

// cpu returns the CPU time that the webhook has used.
func (p *process) cpu() time.Duration {
	text, _ := procfs.Read(p.command.Process.Pid, "stat") // the process is running
	_, after, _ := strings.Cut(text, ") ")                // after the name, which may contain spaces
	fields := strings.Fields(after)
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.Atoi(fields[11]) // the 14th and 15th of proc(5)
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond // USER_HZ is 100 on Linux
}

// memory returns the webhook's resident memory, now and at its peak.
func (p *process) memory() (now, most string) {
	text, _ := procfs.Read(p.command.Process.Pid, "status") // the process is running
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		switch key {
		case "VmRSS":
			now = strings.TrimSpace(value)
		case "VmHWM":
			most = strings.TrimSpace(value)
		}
	}
	return now, most
}

// writeCertificate writes a self-signed certificate.
func writeCertificate(dir string) (*x509.CertPool, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{host},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(24 * time.Hour),
		BasicConstraintsValid: true, IsCA: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	if err := os.WriteFile(filepath.Join(dir, "tls.crt"), cert, 0o600); err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(cert)
	return roots, os.WriteFile(filepath.Join(dir, "tls.key"),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}), 0o600)
}
