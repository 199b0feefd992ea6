package rollout

import (
	"context"
	"fmt"
	"slices"
	"syscall"
)

// A container is a Container with its process.
type container struct {
	Container
	process
	output string // the file that it writes to
}

// A Pod is a running pod.
type Pod struct {
	spec       Spec
	containers []*container
	sidecars   []*container // in the order in which they were started
}

// Addr returns the host:port at which the load balancer reaches the pod.
func (p *Pod) Addr() string { return p.spec.Addr }

// Ready returns when every container of the pod is ready. It returns an error if a container ends
// or ctx is done first. The error names the container and the file with its output.
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

// kill kills the pod's processes and waits for their end.
func (p *Pod) kill() {
	for _, c := range p.all() {
		c.signal(syscall.SIGKILL)
		<-c.exited()
	}
}
