package balancer

import (
	"context"
	"syscall"
)

// A reloader is a program that reloads its configuration file for each change: a new worker takes
// over the listening sockets, and the old worker finishes. A change is in force when the new worker
// answers and the old worker has closed its listening sockets.
type reloader struct {
	settings
	*process
	file   string // the configuration
	reload func(ctx context.Context) error
	// newest returns the process ID of the worker with the newest configuration, or an error if
	// there is none yet.
	newest func(ctx context.Context) (worker int, err error)

	sockets []string // that clients connect to, shared by all workers
	worker  int      // the process ID of the worker that accepts connections
}

// awaitStart waits until the first worker answers.
func (r *reloader) awaitStart(ctx context.Context) (err error) {
	if err := r.Await(ctx, "start", r.answers); err != nil {
		return err
	}
	r.sockets, err = listeners(r.Listen)
	return err
}

// answers returns nil once there is a worker with the newest configuration, and sets r.worker.
func (r *reloader) answers(ctx context.Context) (err error) {
	worker, err := r.newest(ctx)
	if err == nil {
		r.worker = worker
	}
	return err
}

func (r *reloader) apply(ctx context.Context, endpoints []string) error {
	r.Endpoints = endpoints
	r.Generation++
	if err := r.write(r.file); err != nil {
		return err
	}
	old := r.worker
	if err := r.reload(ctx); err != nil {
		return err
	}
	if err := r.Await(ctx, "load a new configuration", r.answers); err != nil {
		return err
	}
	return r.Await(ctx, "drop the old configuration", func(context.Context) error {
		return expectNone(old, r.sockets)
	})
}

// Close kills the program.
func (r *reloader) Close() error {
	r.stop()
	return nil
}

// startReloader starts a program whose configuration is in the file. It gets SIGTERM if this
// process dies, since workers would outlive a master that is killed.
func startReloader(
	ctx context.Context, r *reloader, name string, args ...string,
) (node, error) {
	var err error
	if r.process, err = r.start(ctx, r.file, syscall.SIGTERM, name, args...); err != nil {
		return nil, err
	}
	if err := r.awaitStart(ctx); err != nil {
		r.stop()
		return nil, err
	}
	return &listed{applier: r, addr: r.Listen}, nil
}
