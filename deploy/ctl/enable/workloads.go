package enable

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"lameduck/deploy/ctl/inject"
	"lameduck/deploy/ctl/kube"
)

// A workload has pods.
type workload struct {
	inject.Workload
	kind, name string
}

// A lister collects the workloads of a namespace.
type lister struct {
	client    *kube.Client
	namespace string
	all       []workload
}

// listWorkloads returns the workloads of a namespace: those of Kubernetes' own kinds with their
// templates, and others with their running pods.
func listWorkloads(ctx context.Context, c *kube.Client, namespace string) ([]workload, error) {
	l := &lister{client: c, namespace: namespace}
	for _, list := range []func(context.Context) error{l.addApps, l.addBatch, l.addPods} {
		if err := list(ctx); err != nil {
			return nil, err
		}
	}
	return l.all, nil
}

func (l *lister) add(kind, name string, t *corev1.PodTemplateSpec) {
	l.all = append(l.all, workload{inject.Workload{Kind: kind, Template: t}, kind, name})
}

func (l *lister) addApps(ctx context.Context) error {
	apps := l.client.AppsV1()
	deployments, err := apps.Deployments(l.namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("list Deployments: %w", err)
	}
	for _, d := range deployments.Items {
		l.add("Deployment", d.Name, &d.Spec.Template)
	}
	sets, err := apps.StatefulSets(l.namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("list StatefulSets: %w", err)
	}
	for _, s := range sets.Items {
		l.add("StatefulSet", s.Name, &s.Spec.Template)
	}
	daemons, err := apps.DaemonSets(l.namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("list DaemonSets: %w", err)
	}
	for _, d := range daemons.Items {
		l.add("DaemonSet", d.Name, &d.Spec.Template)
	}
	return nil
}

func (l *lister) addBatch(ctx context.Context) error {
	batch := l.client.BatchV1()
	cron, err := batch.CronJobs(l.namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("list CronJobs: %w", err)
	}
	for _, j := range cron.Items {
		l.add("CronJob", j.Name, &j.Spec.JobTemplate.Spec.Template)
	}
	jobs, err := batch.Jobs(l.namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("list Jobs: %w", err)
	}
	for _, j := range jobs.Items {
		if metav1.GetControllerOf(&j) == nil {
			l.add("Job", j.Name, &j.Spec.Template)
		}
	}
	return nil
}

// addPods adds the controllers of other kinds that have a running pod, and running pods without a
// controller.
func (l *lister) addPods(ctx context.Context) error {
	sets, err := l.client.AppsV1().ReplicaSets(l.namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("list ReplicaSets: %w", err)
	}
	makers := make(map[string]*metav1.OwnerReference) // of ReplicaSets, by name
	for _, s := range sets.Items {
		makers[s.Name] = metav1.GetControllerOf(&s)
	}
	pods, err := l.client.CoreV1().Pods(l.namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("list pods: %w", err)
	}
	added := make(map[[2]string]bool)
	for i := range pods.Items {
		p := &pods.Items[i]
		kind, name := "Pod", p.Name
		maker := metav1.GetControllerOf(p)
		if maker != nil && maker.Kind == "ReplicaSet" && makers[maker.Name] != nil {
			maker = makers[maker.Name]
		}
		if maker != nil {
			kind, name = maker.Kind, maker.Name
		}
		ended := p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed
		if ended || hasTemplate[kind] || added[[2]string{kind, name}] {
			continue
		}
		added[[2]string{kind, name}] = true
		template := &corev1.PodTemplateSpec{ObjectMeta: p.ObjectMeta, Spec: p.Spec}
		l.all = append(l.all, workload{inject.Workload{Kind: "Pod", Template: template}, kind, name})
	}
	return nil
}

// hasTemplate has the kinds that are added with their templates.
var hasTemplate = map[string]bool{"Deployment": true, "StatefulSet": true, "DaemonSet": true, "Job": true}
