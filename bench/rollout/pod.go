package rollout

import (
	"context"
	"fmt"
	"slices"
	"syscall"
)

// container is a Container whose process has been started.
type container struct {
	Container
	process
	output string // the file that it writes to
}

// Pod is a running pod.
type Pod struct {
	spec       Spec
	containers []*container
	sidecars   []*container // in the order in which they were started
}

// Addr returns the host:port at which the load balancer reaches the pod.
func (p *Pod) Addr() string { return p.spec.Addr }

// Ready returns when every container of the pod is ready. Its error tells which one ended or was not ready before
// ctx was done, and where its output is.
func (p *Pod) Ready(ctx context.Context) error {
	for _, c := range p.containers { // the sidecars have started already
		if err := c.await(ctx, c.Startup); err != nil {
			return fmt.Errorf("pod %s: %w", p.spec.Name, err)
		}
	}
	for _, c := range p.all() {
		if err := c.await(ctx, c.Container.Ready); err != nil {
			return fmt.Errorf("pod %s: %w", p.spec.Name, err)
		}
	}
	return nil
}

func (p *Pod) all() []*container { return slices.Concat(p.sidecars, p.containers) }

// kill ends the pod at once, without any of what belongs to a proper end.
func (p *Pod) kill() {
	for _, c := range p.all() {
		c.signal(syscall.SIGKILL)
		<-c.exited()
	}
}
