package rollout

import "runtime"

// launcher starts all processes from one thread that lives as long as they may. Linux sends a process its
// parent-death signal when the thread that started it ends, not only when the whole parent does, and Go moves
// goroutines between threads.
type launcher struct {
	jobs chan func()
	done chan struct{} // closed when the thread has ended
}

func newLauncher() *launcher {
	l := &launcher{jobs: make(chan func()), done: make(chan struct{})}
	go l.work()
	return l
}

func (l *launcher) work() {
	defer close(l.done)
	// Never unlocked: the thread ends with this goroutine, and no process can outlive it.
	runtime.LockOSThread()
	for job := range l.jobs {
		job()
	}
}

// do runs a job on the thread and returns its error. It must not be called after close.
func (l *launcher) do(job func() error) error {
	errc := make(chan error, 1)
	l.jobs <- func() { errc <- job() }
	return <-errc
}

func (l *launcher) close() {
	close(l.jobs)
	<-l.done
}
