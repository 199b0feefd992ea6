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
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"lameduck/deploy/ctl/inject"
	"lameduck/deploy/ctl/kube"
	"lameduck/deploy/ctl/webhook"
	"lameduck/deploy/ctl/webhook/certs"
	"lameduck/deploy/ctl/webhook/mirror"
)

// namespaceFile has the namespace of a pod with a service account.
const namespaceFile = "/var/run/secrets/kubernetes.io/serviceaccount/namespace"

const webhookHelp = `Serve the admission webhook that injects Lameduck into the new pods of labelled namespaces.

deploy/helm installs it, with a MutatingWebhookConfiguration for the path /mutate. It never rejects a pod: one that
cannot be protected is created unmodified, and the client gets a warning.

With --tls-cert and --tls-key it serves a certificate from files. Otherwise it issues and renews its own, shares it
with the other replicas in the Secret --secret, and writes its CA to the MutatingWebhookConfiguration --configuration.

With --dry-run=report it serves nothing: it prints what a webhook with the same flags does with the workloads that are in
some namespaces now, in which mode and why, and changes nothing. It reads the cluster of --kubeconfig with your rights.
Exit codes then: 0 success; 1 a workload cannot be protected; 2 an error.`

// webhookCommand has the flags of webhook.
type webhookCommand struct {
	webhook.Config
	secret        string
	configuration string
	kubeconfig    string
	watch         bool
	allowRedirect bool
	entrypoints   entrypointFlags
	dryRun        string
	logLevel      string
	logFormat     string
}

func newWebhookCommand() *cobra.Command {
	_, cmd := newWebhook()
	return cmd
}

// newWebhook returns the command and its flags.
func newWebhook() (*webhookCommand, *cobra.Command) {
	c := &webhookCommand{Config: webhook.Config{Settings: inject.Defaults(), Version: buildVersion()}}
	c.Settings.Shape = ""
	cmd := &cobra.Command{
		Use:   "webhook [flags] [NAMESPACE...]",
		Short: "Inject Lameduck into pods when they are created",
		Long:  webhookHelp,
		Example: `  lameduckctl webhook --dry-run=report --watch --lb alb shop
  lameduckctl $(kubectl --namespace lameduck get deployment lameduck-webhook \
    --output jsonpath='{.spec.template.spec.containers[0].args[*]}') --dry-run=report shop`,
		RunE: func(cmd *cobra.Command, args []string) error { return c.run(cmd, args) },
	}
	flags := cmd.Flags()
	flags.StringVar(&c.Listen, "listen", ":8443", "address of POST /mutate (TLS)")
	flags.StringVar(&c.Metrics, "metrics", ":8081", "address of /livez /readyz /metrics (plain HTTP)")
	flags.StringVar(&c.Namespace, "namespace", "",
		"namespace of the webhook, which is never injected (default that of the pod's service account)")
	flags.StringArrayVar(&c.Never, "never-namespace", nil,
		"another namespace that is never injected, even with the label; may be given several times")
	flags.BoolVar(&c.watch, "watch", false, "read the Services, Ingresses, network policies, namespaces, "+
		"LimitRanges and ResourceQuotas of the cluster; without it, auto observes all pods, and limits are unknown")
	flags.BoolVar(&c.allowRedirect, "allow-redirect", false, "allow mode redirect in every namespace that does not "+
		"enforce the Pod Security level baseline or restricted, unless a label of the namespace says otherwise; needs --watch")
	c.entrypoints.addRegistries(flags)
	c.entrypoints.addSecrets(flags)
	flags.BoolVar(&c.Paused, "paused", false, "inject nothing: all pods are created unmodified")
	flags.StringVar(&c.dryRun, "dry-run", "", "report: print what the webhook would do with the workloads of the "+
		"namespaces in the arguments, and exit")
	flags.StringVar(&c.Files.Cert, "tls-cert", "", "file of the certificate, read again when it changes")
	flags.StringVar(&c.Files.Key, "tls-key", "", "file of the key")
	flags.StringVar(&c.Service, "service", "", "Service of the webhook, for whose name it issues a certificate")
	flags.StringVar(&c.secret, "secret", "", "Secret in which the replicas share that certificate")
	flags.StringVar(&c.configuration, "configuration", "", "MutatingWebhookConfiguration that gets the CA "+
		"of that certificate")
	flags.DurationVar(&c.Drain, "drain", 10*time.Second,
		"minimum time to serve after SIGTERM; the drain lasts until no request has arrived for 2s, at most 10s longer")
	flags.StringVar(&c.kubeconfig, "kubeconfig", "", "path of a kubeconfig (default the service account of "+
		"the pod; with --dry-run $KUBECONFIG or ~/.kube/config)")
	flags.StringVar(&c.logLevel, "log-level", "info", "debug, info, warn or error")
	flags.StringVar(&c.logFormat, "log-format", "json", "json or console")
	for _, o := range inject.Options() {
		usage := o.Usage
		if o.Name == "shape" {
			usage = "native, plain or wrapper (default native or plain, by the version of the cluster)"
		}
		flags.Func(o.Name, usage, func(value string) error { return c.Settings.Set(o.Name, value) })
	}
	return c, cmd
}

func (c *webhookCommand) run(cmd *cobra.Command, namespaces []string) error {
	switch {
	case c.dryRun == "report":
		return c.report(cmd, namespaces)
	case cmd.Flags().Changed("dry-run"):
		return fmt.Errorf("--dry-run: must be report, got %q", c.dryRun)
	case len(namespaces) > 0:
		return fmt.Errorf("%s: namespaces are arguments only with --dry-run=report", namespaces[0])
	}
	if err := c.complete(); err != nil {
		return err
	}
	log, err := newLogger(c.logLevel, c.logFormat, cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	c.Log = log
	if err := c.connect(); err != nil {
		return err
	}
	end, err := c.askRegistries()
	if err != nil {
		return err
	}
	defer end()
	server, err := webhook.New(c.Config)
	if err != nil {
		return err
	}
	return server.Run(cmd.Context())
}

// complete sets defaults and returns an error for everything that is missing.
func (c *webhookCommand) complete() error {
	if c.Namespace == "" {
		text, _ := os.ReadFile(namespaceFile) // does not exist without a service account
		c.Namespace = strings.TrimSpace(string(text))
	}
	var errs []error
	need := func(flag, value, what string) {
		if value == "" {
			errs = append(errs, fmt.Errorf("--%s: must be %s", flag, what))
		}
	}
	need("namespace", c.Namespace, "the namespace of the webhook")
	if c.Files != (certs.FilePaths{}) {
		need("tls-cert", c.Files.Cert, "the certificate of --tls-key")
		need("tls-key", c.Files.Key, "the key of --tls-cert")
	} else {
		need("service", c.Service, "the Service of the webhook, unless --tls-cert and --tls-key are set")
		need("secret", c.secret, "the Secret that the replicas share")
		need("configuration", c.configuration, "the MutatingWebhookConfiguration of the webhook")
	}
	if c.allowRedirect && !c.watch {
		errs = append(errs, errors.New("--allow-redirect: needs --watch, as it depends on the labels of the namespace"))
	}
	errs = append(errs, c.entrypoints.check())
	if c.Drain < 0 || c.Drain > time.Hour {
		errs = append(errs, fmt.Errorf("--drain: must be a duration of at most 1h, got %s; the pod's grace "+
			"period must be 15s longer", c.Drain))
	}
	return errors.Join(errs...)
}

// connect sets up the client of the API server if one is needed.
func (c *webhookCommand) connect() error {
	if c.Files != (certs.FilePaths{}) && c.Settings.Shape != "" && !c.watch {
		return nil
	}
	config, err := c.clusterConfig()
	if err != nil {
		if c.Files != (certs.FilePaths{}) && c.Settings.Shape == "" {
			return fmt.Errorf("--shape: must be native or plain, as the version of the cluster is unknown: "+
				"%w", err)
		}
		return err
	}
	server, err := certs.NewAPIServer(config, c.Namespace, c.secret, c.configuration)
	if err != nil {
		return err
	}
	c.Cluster, c.ServerVersion = server, server.Version
	if !c.watch {
		return nil
	}
	m, err := mirror.New(config, c.Log)
	if err != nil {
		return fmt.Errorf("--watch: %w", err)
	}
	m.AllowRedirect = c.allowRedirect
	c.Mirror = m
	return nil
}

// askRegistries sets up the questions to registries, if any may be asked.
func (c *webhookCommand) askRegistries() (end func(), err error) {
	var client kubernetes.Interface
	if len(c.entrypoints.secrets) > 0 {
		config, err := c.clusterConfig()
		if err != nil {
			return nil, fmt.Errorf("--entrypoint-secrets: %w", err)
		}
		if client, err = kube.New(config); err != nil {
			return nil, fmt.Errorf("--entrypoint-secrets: %w", err)
		}
	}
	c.Images, end = c.entrypoints.forPods(client)
	return end, nil
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
	encoding.EncodeTime, encoding.EncodeDuration = zapcore.RFC3339NanoTimeEncoder,
		zapcore.StringDurationEncoder
	encoder := zapcore.NewJSONEncoder(encoding)
	switch format {
	case "json":
	case "console":
		encoder = zapcore.NewConsoleEncoder(encoding)
	default:
		return nil, fmt.Errorf("--log-format: must be json or console, got %q", format)
	}
	core := zapcore.NewCore(encoder, zapcore.Lock(zapcore.AddSync(w)), l)
	// A workload that cannot be protected logs a line for each of its pods.
	core = zapcore.NewSamplerWithOptions(core, time.Second, 100, 100)
	return zap.New(core), nil
}
