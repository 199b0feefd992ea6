package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"lameduck/deploy/ctl/drain"
)

const drainsLong = `Drains aggregates the drain summaries of Lameduck by workload: how many requests arrived after t0 (the deletion of
the pod), when the last one arrived, why holds ended, and the recommended load balancer's delay and grace period.

It reads logs from files and from - (standard input): lines of kubectl logs, with or without --prefix, of Loki
(logcli -o jsonl), and termination messages. Without arguments, it lists the pods of a cluster and reads the
termination messages of those that have ended, or whose containers were restarted. It changes nothing.`

const drainsExample = `  kubectl logs -n prod -l app=shop -c lameduck --prefix --tail=-1 | lameduckctl drains -
  logcli query '{container="lameduck"} |= "stopped"' -o jsonl | lameduckctl drains -
  lameduckctl drains -n prod -o json`

// drainsFlags are the flags of drains.
type drainsFlags struct {
	output                         string
	kubeconfig, context, namespace string
	allNamespaces                  bool
	selector                       string
}

func newDrainsCommand() *cobra.Command {
	var f drainsFlags
	cmd := &cobra.Command{
		Use: "drains [FILE|-]...", Short: "Aggregate the drain summaries of workloads",
		Long: drainsLong, Example: drainsExample, RunE: f.run,
	}
	flags := cmd.Flags()
	flags.StringVarP(&f.output, "output", "o", "text", "format: "+strings.Join(drain.Formats, ", "))
	flags.StringVar(&f.kubeconfig, "kubeconfig", "", "path of the kubeconfig (default $KUBECONFIG or ~/.kube/config)")
	flags.StringVar(&f.context, "context", "", "context of the kubeconfig")
	flags.StringVarP(&f.namespace, "namespace", "n", "", "namespace (default that of the context)")
	flags.BoolVarP(&f.allNamespaces, "all-namespaces", "A", false, "all namespaces")
	flags.StringVarP(&f.selector, "selector", "l", "", "label selector of the pods")
	return cmd
}

func (f *drainsFlags) run(cmd *cobra.Command, args []string) error {
	if !slices.Contains(drain.Formats, f.output) {
		return fmt.Errorf("--output: must be one of %s, got %q", strings.Join(drain.Formats, ", "), f.output)
	}
	var found []drain.Drain
	var err error
	if len(args) > 0 {
		found, err = readLogs(cmd.InOrStdin(), args)
	} else {
		found, err = f.readPods(cmd.Context())
	}
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return errors.New("no drain summary found: read the logs of Lameduck's containers " +
			"(kubectl logs -c lameduck)")
	}
	return drain.Write(cmd.OutOrStdout(), drain.Table(found), f.output)
}

// readLogs reads files, and standard input for -.
func readLogs(stdin io.Reader, names []string) ([]drain.Drain, error) {
	var all []drain.Drain
	for _, name := range names {
		r := stdin
		if name != "-" {
			file, err := os.Open(name)
			if err != nil {
				return nil, err
			}
			defer file.Close()
			r = file
		}
		found, err := drain.ReadLog(r)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		all = append(all, found...)
	}
	return all, nil
}

// drainsTimeout bounds the reading of a cluster.
const drainsTimeout = time.Minute

func (f *drainsFlags) readPods(ctx context.Context) ([]drain.Drain, error) {
	overrides := clientcmd.ConfigOverrides{CurrentContext: f.context}
	overrides.Context.Namespace = f.namespace
	loaded := loadKubeconfig(f.kubeconfig, overrides)
	config, err := loaded.ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("read the kubeconfig: %w", err)
	}
	namespace, _, err := loaded.Namespace()
	if err != nil {
		return nil, fmt.Errorf("read the kubeconfig: %w", err)
	}
	if f.allNamespaces {
		namespace = metav1.NamespaceAll
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, drainsTimeout)
	defer cancel()
	pods, err := allPods(ctx, client, namespace, f.selector)
	return drain.OfPods(pods), err
}

// allPods lists pods page by page.
func allPods(ctx context.Context, client kubernetes.Interface, namespace, selector string) ([]corev1.Pod, error) {
	options := metav1.ListOptions{LabelSelector: selector, Limit: 500}
	var all []corev1.Pod
	for {
		page, err := client.CoreV1().Pods(namespace).List(ctx, options)
		if err != nil {
			return nil, fmt.Errorf("list pods: %w", err)
		}
		all = append(all, page.Items...)
		if page.Continue == "" {
			return all, nil
		}
		options.Continue = page.Continue
	}
}
