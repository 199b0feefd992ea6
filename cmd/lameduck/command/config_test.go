package command

import (
	"crypto/x509"
	"encoding/pem"
	"net/http/httptest"
	"os"
	"os/signal"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lameduck/cmd/lameduck/config"
	"lameduck/cmd/lameduck/logqueue"
	"lameduck/proxy"
)

func TestLoadConfig_InvalidIsAUsageError(t *testing.T) {
	_, err := loadConfig([]string{"LAMEDUCK_HOLD_MIN=x", "LAMEDUCK_LOG_FORMAT=x"})
	if _, ok := err.(usageError); !ok || strings.Count(err.Error(), "\n  LAMEDUCK_") != 2 {
		t.Errorf("got %v, want a usage error with a line for each problem", err)
	}
}

func TestProbeAgents_KnownMeansTheKnownAgents(t *testing.T) {
	for value, want := range map[string][]string{
		"known":       proxy.DefaultProbeAgents,
		"mine/,known": append([]string{"mine/"}, proxy.DefaultProbeAgents...),
		"":            nil,
	} {
		c, err := loadConfig([]string{"LAMEDUCK_PROBE_AGENTS=" + value})
		if err != nil {
			t.Fatal(err)
		}
		if got := probeAgents(c); !reflect.DeepEqual(got, want) {
			t.Errorf("%q means %q, want %q", value, got, want)
		}
	}
}

func TestProxyRoute_HasTheOptions(t *testing.T) {
	c, err := loadConfig([]string{"LAMEDUCK_ROUTES=80=8080;proto=h2c;proxy,81=8081,82=8082;proto=tcp,83=8083;proto=http1"})
	if err != nil {
		t.Fatal(err)
	}
	want := []proxy.Protocol{proxy.H2C, proxy.Auto, proxy.TCP, proxy.HTTP1}
	for i, r := range c.Routes {
		if got := proxyRoute(r, nil, nil); got.Protocol != want[i] || got.Proxied != (i == 0) || got.TLS != nil || got.Fallback != nil {
			t.Errorf("route %d is %+v", i, got)
		}
	}
}

// Every signal that the configuration accepts can be received.
func TestStopSignal_EveryOneCanBeCaught(t *testing.T) {
	for _, name := range config.StopSignals() {
		s, err := stopSignal(&config.Config{StopSignal: name})
		if err != nil {
			t.Error(err)
			continue
		}
		caught := make(chan os.Signal, 1)
		signal.Notify(caught, s)
		if err := unix.Kill(os.Getpid(), s); err != nil {
			t.Error(err)
		}
		select {
		case <-caught:
		case <-time.After(time.Minute):
			t.Errorf("%s is not caught", name)
		}
		signal.Stop(caught)
	}
}

func TestStopSignal_UnknownToTheSystem(t *testing.T) {
	if s, err := stopSignal(&config.Config{StopSignal: "SIGNONE"}); err == nil {
		t.Errorf("got %v", s)
	}
}

func TestTerminationLog_DefaultOnlyIfItExists(t *testing.T) {
	own := filepath.Join(t.TempDir(), "log")
	if got := terminationLog(&config.Config{TerminationLog: own}); got != own {
		t.Errorf("got %q, want %q", got, own)
	}
	_, err := os.Stat(config.DefaultTerminationLog)
	got := terminationLog(&config.Config{TerminationLog: config.DefaultTerminationLog})
	if exists := err == nil; exists != (got == config.DefaultTerminationLog) {
		t.Errorf("got %q, and the file exists: %v", got, exists)
	}
}

func TestTLSIdentity_Errors(t *testing.T) {
	noPEM := writeFile(t, "no.pem", []byte("no PEM"))
	cert, key := writeCertificate(t)
	tests := []struct {
		name string
		c    config.Config
		want string
	}{
		{"no file", config.Config{TLSCert: "/nowhere/tls.crt", TLSKey: "/nowhere/tls.key"},
			"LAMEDUCK_TLS_CERT: must be the path of a readable file: no such file or directory"},
		{"no key file", config.Config{TLSCert: cert, TLSKey: "/nowhere/tls.key"},
			"LAMEDUCK_TLS_KEY: must be the path of a readable file: no such file or directory"},
		{"no certificate", config.Config{TLSCert: noPEM, TLSKey: noPEM},
			"LAMEDUCK_TLS_CERT: must be the PEM file of a certificate, and LAMEDUCK_TLS_KEY that of its key: "},
		{"no CA certificate", config.Config{TLSCert: cert, TLSKey: key, TLSClientCA: noPEM},
			"LAMEDUCK_TLS_CLIENT_CA: must be a PEM file with a CA certificate in it"},
	}
	for _, tt := range tests {
		_, err := tlsIdentity(&tt.c)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		} else if strings.Contains(err.Error(), "/nowhere") || strings.Contains(err.Error(), noPEM) {
			t.Errorf("%s: a path is printed: %v", tt.name, err)
		}
	}
	c := config.Config{TLSCert: cert, TLSKey: key, TLSClientCA: cert}
	if id, err := tlsIdentity(&c); err != nil || id.files != (identityFiles{c.TLSCert, c.TLSKey, c.TLSClientCA}) {
		t.Errorf("got %+v, %v", id, err)
	}
	if id, err := tlsIdentity(&config.Config{}); id != nil || err != nil {
		t.Errorf("got %+v, %v without TLS", id, err)
	}
}

// writeFile writes a file in a new directory.
func writeFile(t *testing.T, name string, content []byte) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// writeCertificate writes a certificate and its key in PEM: those of a test server of the standard
// library.
func writeCertificate(t *testing.T) (certPath, keyPath string) {
	t.Helper()
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	cert := server.TLS.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	return writeFile(t, "tls.crt", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]})),
		writeFile(t, "tls.key", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}))
}

func TestUsage(t *testing.T) {
	tests := []struct {
		name    string
		args    []string
		environ []string
		code    int
		output  string
	}{
		{"the version", []string{"version"}, nil, exitOK, "lameduck "},
		{"the version as a flag", []string{"--version"}, nil, exitOK, "lameduck "},
		{"the version with an argument", []string{"version", "x"}, nil, exitUsage, `unexpected argument "x"`},
		{"help", []string{"help"}, nil, exitOK, "lameduck exec -- COMMAND"},
		{"help for serve", []string{"serve", "-h"}, nil, exitOK, "lameduck exec -- COMMAND"},
		{"help for exec", []string{"exec", "--help"}, nil, exitOK, "lameduck exec -- COMMAND"},
		{"help for drain", []string{"drain", "-help"}, nil, exitOK, "lameduck exec -- COMMAND"},
		{"help for an unknown subcommand", []string{"run", "-h"}, nil, exitUsage, `unknown subcommand "run"`},
		{"a command that looks like a flag", []string{"exec", "--", "-h"}, nil, exitNotFound, ""},
		{"an unknown subcommand", []string{"run"}, nil, exitUsage, `unknown subcommand "run": use serve, exec, drain, redirect, install or version`},
		{"serve with an argument", []string{"serve", "x"}, nil, exitUsage, `unexpected argument "x"`},
		{"serve with an invalid variable", []string{"serve"}, []string{"LAMEDUCK_HOLD_MIN=x"}, exitUsage, "LAMEDUCK_HOLD_MIN: must be"},
		{"no subcommand with an invalid variable", nil, []string{"LAMEDUCK_HOLD_MIN=x"}, exitUsage, "LAMEDUCK_HOLD_MIN: must be"},
		{"drain with an unknown flag", []string{"drain", "--now"}, nil, exitUsage, "drain takes --wait and --native"},
		{"drain with an invalid variable", []string{"drain"}, []string{"LAMEDUCK_CONTROL=x"}, exitUsage, "LAMEDUCK_CONTROL: must be"},
		{"exec without command", []string{"exec"}, nil, exitUsage, "exec needs a command"},
		{"exec without command after the dashes", []string{"exec", "--"}, nil, exitUsage, "exec needs a command"},
		{"exec with an invalid variable", []string{"exec", "--", "true"}, []string{"LAMEDUCK_HOLD_MIN=x"}, exitUsage, "LAMEDUCK_HOLD_MIN: must be"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out strings.Builder
			queue := logqueue.New(&out)
			defer queue.Close()
			code := run(tt.args, tt.environ, queue, queue)
			if err := queue.Flush(time.Minute); err != nil {
				t.Fatal(err)
			}
			if code != tt.code || !strings.Contains(out.String(), tt.output) {
				t.Errorf("exit code %d, want %d, and %q in:\n%s", code, tt.code, tt.output, out.String())
			}
		})
	}
}
