package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"lameduck/bench/internal/proc"
	"lameduck/bench/internal/procfs"
	"lameduck/bench/internal/program"
)

// host is the name in the webhook's certificate.
const host = "webhook.load.svc"

// A process is a running webhook.
type process struct {
	*proc.Process
	requests string // address
	roots    *x509.CertPool
}

// start builds the webhook, unless there is a binary, and runs it on one core. Its log is in dir.
func start(ctx context.Context, dir, binary string) (*process, error) {
	if binary == "" {
		binary = filepath.Join(dir, "lameduckctl")
		if err := program.Build(ctx, "lameduck/cmd/lameduckctl", binary); err != nil {
			return nil, err
		}
	}
	roots, err := writeCertificate(dir)
	if err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(dir, "webhook.log"))
	if err != nil {
		return nil, err
	}
	defer log.Close() // the webhook has its own descriptor
	webhook, err := proc.Start(proc.Command{
		Path: binary,
		Args: []string{
			"webhook", "--listen=127.0.0.1:0", "--metrics=127.0.0.1:0", "--namespace=load",
			"--shape=native", "--drain=0s", "--tls-cert=" + filepath.Join(dir, "tls.crt"),
			"--tls-key=" + filepath.Join(dir, "tls.key"),
		},
		Env:    append(os.Environ(), "GOMAXPROCS=1"),
		Output: log,
	})
	if err != nil {
		return nil, err
	}
	p := &process{Process: webhook, roots: roots}
	err = p.Await(ctx, "listen", func(context.Context) (err error) {
		p.requests, err = address(log.Name())
		return err
	})
	if err != nil {
		p.Stop()
		return nil, err
	}
	return p, nil
}

// address returns the listener's address in a log of the webhook.
func address(log string) (string, error) {
	text, err := os.ReadFile(log)
	if err != nil {
		return "", err
	}
	for l := range bytes.Lines(text) {
		var line struct{ Msg, Requests string }
		if json.Unmarshal(l, &line) == nil && line.Msg == "listening" {
			return line.Requests, nil
		}
	}
	return "", errors.New("no address in its log")
}

// cpu returns the CPU time that the webhook has used.
func (p *process) cpu() time.Duration {
	text, _ := procfs.Read(p.PID(), "stat") // the process is running
	_, after, _ := strings.Cut(text, ") ")  // after the name, which may contain spaces
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
	text, _ := procfs.Read(p.PID(), "status") // the process is running
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
