package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"lameduck/deploy/ctl/inject"
	"lameduck/deploy/ctl/webhook"
	"lameduck/deploy/ctl/webhook/certs"
)

// namespaceFile is where a pod with a service account finds its namespace.
const namespaceFile = "/var/run/secrets/kubernetes.io/serviceaccount/namespace"

const webhookHelp = `Bring Lameduck into the pods of labelled namespaces while they are created.

It is an admission webhook, for a MutatingWebhookConfiguration with the path /mutate; deploy/helm installs it. It refuses no pod: what it cannot
protect is created as it is, with a warning.

With --tls-cert and --tls-key it shows a certificate that others make. Without, it makes its own and renews it, shares it with the other replicas in the
Secret --secret, and tells the API server by way of the MutatingWebhookConfiguration --configuration whom to trust.`

// A webhookCommand is what its flags say.
type webhookCommand struct {
	webhook.Config
	secret        string
	configuration string
	kubeconfig    string
	logLevel      string
	logFormat     string
}

func newWebhookCommand() *cobra.Command {
	c := &webhookCommand{Config: webhook.Config{Settings: inject.Defaults(), Version: buildVersion()}}
	c.Settings.Shape = ""
	cmd := &cobra.Command{
		Use:   "webhook [flags]",
		Short: "Bring Lameduck into pods while they are created",
		Long:  webhookHelp,
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return c.run(cmd) },
	}
	flags := cmd.Flags()
	flags.StringVar(&c.Listen, "listen", ":8443", "address of POST /mutate, with TLS")
	flags.StringVar(&c.Metrics, "metrics", ":8081", "address of /livez /readyz /metrics, in the clear")
	flags.StringVar(&c.Namespace, "namespace", "", "namespace of the webhook, where nothing is injected; none: that of the pod's service account")
	flags.StringArrayVar(&c.Never, "never-namespace", nil, "another namespace where nothing is injected, whoever labels it; may be given several times")
	flags.StringVar(&c.Files.Cert, "tls-cert", "", "file with the certificate, which is read again when it changes")
	flags.StringVar(&c.Files.Key, "tls-key", "", "file with its key")
	flags.StringVar(&c.Service, "service", "", "Service of the webhook, for whose name a certificate is made")
	flags.StringVar(&c.secret, "secret", "", "Secret in which the replicas share it")
	flags.StringVar(&c.configuration, "configuration", "", "MutatingWebhookConfiguration which says whom to trust")
	flags.DurationVar(&c.Drain, "drain", 10*time.Second, "after SIGTERM it serves for at least this long, and until no request comes for 2s, for 10s more at the most")
	flags.StringVar(&c.kubeconfig, "kubeconfig", "", "how to reach the API server; none: as a pod does")
	flags.StringVar(&c.logLevel, "log-level", "info", "debug, info, warn or error")
	flags.StringVar(&c.logFormat, "log-format", "json", "json or console")
	for _, o := range inject.Options() {
		usage := o.Usage
		if o.Name == "shape" {
			usage += "; none: native or plain, by the cluster's version"
		}
		flags.Func(o.Name, usage, func(value string) error { return c.Settings.Set(o.Name, value) })
	}
	return cmd
}

func (c *webhookCommand) run(cmd *cobra.Command) error {
	if err := c.complete(); err != nil {
		return err
	}
	log, err := newLogger(c.logLevel, c.logFormat, cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	c.Log = log
	if err := c.reach(); err != nil {
		return err
	}
	server, err := webhook.New(c.Config)
	if err != nil {
		return err
	}
	return server.Run(cmd.Context())
}

// complete fills in what is known otherwise, and says everything that is missing.
func (c *webhookCommand) complete() error {
	if c.Namespace == "" {
		text, _ := os.ReadFile(namespaceFile) // a pod without a service account has none
		c.Namespace = strings.TrimSpace(string(text))
	}
	var faults []error
	need := func(flag, value, why string) {
		if value == "" {
			faults = append(faults, fmt.Errorf("--%s: %s", flag, why))
		}
	}
	need("namespace", c.Namespace, "say the namespace of the webhook, where nothing is injected")
	if c.Files != (certs.FilePaths{}) {
		need("tls-cert", c.Files.Cert, "say the certificate of --tls-key too")
		need("tls-key", c.Files.Key, "say the key of --tls-cert too")
	} else {
		need("service", c.Service, "say the Service of the webhook, or show a certificate of yours with --tls-cert and --tls-key")
		need("secret", c.secret, "say the Secret that the replicas share")
		need("configuration", c.configuration, "say the MutatingWebhookConfiguration that asks the webhook")
	}
	if c.Drain < 0 || c.Drain > time.Hour {
		faults = append(faults, fmt.Errorf("--drain: %s: say a duration of an hour at the most; the pod's grace period has to be 15s longer", c.Drain))
	}
	return errors.Join(faults...)
}

// reach makes the API server known where something is asked of it.
func (c *webhookCommand) reach() error {
	if c.Files != (certs.FilePaths{}) && c.Settings.Shape != "" {
		return nil
	}
	config, err := c.clusterConfig()
	if err != nil {
		if c.Files != (certs.FilePaths{}) {
			return fmt.Errorf("--shape: say native or plain, since the cluster cannot be asked for its version: %w", err)
		}
		return err
	}
	server, err := certs.NewAPIServer(config, c.Namespace, c.secret, c.configuration)
	if err != nil {
		return err
	}
	c.Cluster, c.ServerVersion = server, server.Version
	return nil
}

func (c *webhookCommand) clusterConfig() (*rest.Config, error) {
	if c.kubeconfig == "" {
		return rest.InClusterConfig()
	}
	return clientcmd.BuildConfigFromFlags("", c.kubeconfig)
}

// newLogger returns a logger that writes to w.
func newLogger(level, format string, w io.Writer) (*zap.Logger, error) {
	l, err := zapcore.ParseLevel(level)
	if err != nil {
		return nil, fmt.Errorf("--log-level: %w", err)
	}
	encoding := zap.NewProductionEncoderConfig()
	encoding.EncodeTime, encoding.EncodeDuration = zapcore.RFC3339NanoTimeEncoder, zapcore.StringDurationEncoder
	encoder := zapcore.NewJSONEncoder(encoding)
	switch format {
	case "json":
	case "console":
		encoder = zapcore.NewConsoleEncoder(encoding)
	default:
		return nil, fmt.Errorf("--log-format: %q: use json or console", format)
	}
	core := zapcore.NewCore(encoder, zapcore.Lock(zapcore.AddSync(w)), l)
	// A workload that cannot be protected says so for each of its pods; a hundred a second of the same are enough to know.
	core = zapcore.NewSamplerWithOptions(core, time.Second, 100, 100)
	return zap.New(core), nil
}
