package enable

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"lameduck/deploy/ctl/inject"
	"lameduck/deploy/ctl/kube"
	"lameduck/deploy/ctl/mode"
	"lameduck/deploy/ctl/webhook"
)

// A Watch has the flags --watch and --allow-redirect of a webhook, which determine what it knows of
// the cluster.
type Watch struct{ On, AllowRedirect bool }

// ForWebhook plans what a webhook does with the pods of the current workloads of a namespace, or
// would do if it were active. It changes nothing. Without a watch it knows nothing of the cluster.
func ForWebhook(
	ctx context.Context, c *kube.Client, namespace string, config webhook.Config, watch Watch,
) (*Plan, error) {
	ns, err := c.CoreV1().Namespaces().Get(ctx, namespace, metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("get namespace %s: %w", namespace, err)
	}
	p := &Plan{Namespace: namespace, Inactive: config.Refuses(namespace)}
	if p.Inactive == "" && ns.Labels[inject.InjectLabel] != enabled {
		p.Inactive = "the namespace has no label " + inject.InjectLabel + "=" + enabled
	}
	around, err := p.around(ctx, c, watch)
	if err != nil {
		return nil, err
	}
	p.Workloads, err = planWorkloads(ctx, c, around, config.Images, config.Settings)
	return p, err
}

// around returns what the webhook knows of the namespace.
func (p *Plan) around(ctx context.Context, c *kube.Client, watch Watch) (a *mode.Around, err error) {
	if !watch.On {
		return &mode.Around{Namespace: p.Namespace, Unknown: "the webhook has no --watch, so the Services and " +
			"NetworkPolicies are unknown"}, nil
	}
	if a, p.Unread, err = c.Around(ctx, p.Namespace); err == nil {
		a.AllowRedirect = watch.AllowRedirect
	}
	return a, err
}
