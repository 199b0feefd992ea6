package main

import (
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"lameduck/deploy/ctl/inject"
	"lameduck/deploy/ctl/webhook"
	"lameduck/deploy/deploytest"
)

func TestTheWebhookReportsMissingFlags(t *testing.T) {
	for name, tt := range map[string]struct {
		args string
		want []string
	}{
		"no flags":                  {"", []string{"--namespace:", "--service:", "--secret:", "--configuration:"}},
		"a certificate without key": {"--namespace=a --tls-cert=x", []string{"--tls-key:"}},
		"a key without certificate": {"--namespace=a --tls-key=x", []string{"--tls-cert:"}},
		"an hour and more": {
			"--namespace=a --service=a --secret=a --configuration=a --drain=2h",
			[]string{"--drain: must be a duration of at most 1h, got 2h0m0s"},
		},
		"no cluster, and no shape": {
			"--namespace=a --tls-cert=x --tls-key=x", []string{"--shape: must be native or plain"},
		},
		"no cluster": {"--namespace=a --service=a --secret=a --configuration=a", []string{"cluster"}},
		"a file that is not there": {
			"--namespace=a --tls-cert=/nowhere --tls-key=/nowhere --shape=native " +
				"--listen=127.0.0.1:0 --metrics=127.0.0.1:0",
			[]string{"--tls-cert: must be the path of a readable file"},
		},
		"a redirect that no label limits": {
			"--namespace=a --tls-cert=x --tls-key=x --shape=plain --allow-redirect",
			[]string{"--allow-redirect: needs --watch"},
		},
		"an unknown shape": {"--shape=round", []string{"must be native, plain or wrapper"}},
		"an unknown log level": {
			"--namespace=a --tls-cert=x --tls-key=x --shape=plain --log-level=loud",
			[]string{"--log-level"},
		},
		"an unknown log format": {
			"--namespace=a --tls-cert=x --tls-key=x --shape=plain --log-format=xml",
			[]string{"--log-format: must be json or console"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, stderr, code := ctl(t, "", append([]string{"webhook"},
				strings.Fields(tt.args)...)...)
			if code != exitError {
				t.Errorf("exit code %d", code)
			}
			for _, want := range tt.want {
				if !strings.Contains(stderr, want) {
					t.Errorf("output %q, want %q in it", stderr, want)
				}
			}
		})
	}
}

// TestTheWebhookAcceptsEverySettingOfInject also checks that no shape is chosen before the
// cluster's version is known.
func TestTheWebhookAcceptsEverySettingOfInject(t *testing.T) {
	cmd := newWebhookCommand()
	for _, o := range inject.Options() {
		if cmd.Flags().Lookup(o.Name) == nil {
			t.Errorf("no flag --%s", o.Name)
		}
	}
	c := &webhookCommand{Config: webhook.Config{Namespace: "a", Service: "a"}, secret: "a",
		configuration: "a"}
	if err := c.complete(); err != nil {
		t.Error(err)
	}
	if c.Settings.Shape != "" {
		t.Errorf("shape %q", c.Settings.Shape)
	}
}

// TestTheWebhookEndsWithItsContext tests the wiring. The webhook itself is tested in its package.
func TestTheWebhookEndsWithItsContext(t *testing.T) {
	cert, key := deploytest.NewCertificate(t, "a", time.Hour).Write(t, t.TempDir())
	ctx, stop := context.WithTimeout(t.Context(), 30*time.Second)
	defer stop()
	log, lines := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{"webhook", "--namespace=a", "--shape=native", "--drain=0s",
			"--listen=127.0.0.1:0", "--metrics=127.0.0.1:0", "--tls-cert=" + cert,
			"--tls-key=" + key},
			strings.NewReader(""), io.Discard, lines)
		lines.Close()
	}()
	text := make([]byte, 4096)
	for output := ""; !strings.Contains(output, "listening"); {
		n, err := log.Read(text)
		if err != nil {
			t.Fatalf("%v: %s", err, output)
		}
		output += string(text[:n])
	}
	stop()
	go func() { _, _ = io.Copy(io.Discard, log) }()
	if code := <-ended; code != exitOK {
		t.Errorf("exit code %d", code)
	}
}
