//go:build e2e

package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"lameduck/deploy/deploytest"
)

// A podLife has the observations of a pod.
type podLife struct {
	name     string
	seen     time.Time   // when it was first seen
	ready    time.Time   // when it was first seen to be Ready
	deleted  time.Time   // when its deletion was seen
	gone     time.Time   // when it was gone
	last     *corev1.Pod // the last state
	notReady []time.Time // when it became unready before its deletion
	log      []string    // Lameduck's log from the deletion on
}

// pods records the lives of the pods of a namespace.
type pods struct {
	t         *testing.T
	ctx       context.Context
	namespace string

	mu    sync.Mutex
	lives map[types.UID]*podLife // by UID, as the pods of a StatefulSet reuse names
}

// watchPods records the lives from now on.
func watchPods(ctx context.Context, t *testing.T, namespace string) *pods {
	t.Helper()
	p := &pods{t: t, ctx: ctx, namespace: namespace, lives: make(map[types.UID]*podLife)}
	watch(ctx, t, p.see, "pods", "-n", namespace)
	return p
}

func (p *pods) see(e event[corev1.Pod]) {
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	pod := &e.Object
	l := p.lives[pod.UID]
	if l == nil {
		l = &podLife{name: pod.Name, seen: now}
		p.lives[pod.UID] = l
	}
	if l.last != nil && ready(l.last) && !ready(pod) && pod.DeletionTimestamp == nil {
		l.notReady = append(l.notReady, now)
	}
	if l.ready.IsZero() && ready(pod) {
		l.ready = now
	}
	l.last = pod
	if pod.DeletionTimestamp != nil && l.deleted.IsZero() {
		l.deleted = now
		p.followLog(l)
	}
	if e.Type == "DELETED" {
		l.gone = now
	}
}

// followLog records Lameduck's log until its container exits, as the log is deleted with the pod.
func (p *pods) followLog(l *podLife) {
	follow(p.ctx, p.t, func(r io.Reader) {
		for lines := bufio.NewScanner(r); lines.Scan(); {
			p.mu.Lock()
			l.log = append(l.log, lines.Text())
			p.mu.Unlock()
		}
	}, "logs", "-f", "-n", p.namespace, l.name, "-c", duckContainer(l.last))
}

// duckContainer returns the name of Lameduck's container.
func duckContainer(pod *corev1.Pod) string {
	for _, c := range append(slices.Clone(pod.Spec.Containers), pod.Spec.InitContainers...) {
		if c.Name == "lameduck" && (len(c.Args) == 0 || c.Args[0] != "install") {
			return c.Name
		}
	}
	return pod.Spec.Containers[0].Name
}

// all returns the lives of all pods.
func (p *pods) all() []podLife {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []podLife
	for _, l := range p.lives {
		c := *l
		c.log = slices.Clone(l.log)
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b podLife) int { return strings.Compare(a.name, b.name) })
	return all
}

// ended returns the lives of the pods that are gone.
func (p *pods) ended() []podLife {
	return slices.DeleteFunc(p.all(), func(l podLife) bool { return l.gone.IsZero() })
}

// alive returns the names of the ready pods that are not terminating.
func (p *pods) alive() []string {
	var names []string
	for _, l := range p.all() {
		if l.deleted.IsZero() && l.gone.IsZero() && ready(l.last) {
			names = append(names, l.name)
		}
	}
	return names
}

// life returns the life of a pod, the latest one with its name.
func (p *pods) life(name string) podLife {
	found := podLife{name: name}
	for _, l := range p.all() {
		if l.name == name && (found.last == nil || l.gone.IsZero()) {
			found = l
		}
	}
	return found
}

// gone returns the life of a pod, and an error if it still exists.
func (p *pods) gone(uid types.UID) (podLife, error) {
	for _, l := range p.ended() {
		if l.last.UID == uid {
			return l, nil
		}
	}
	return podLife{}, fmt.Errorf("it is there")
}

// live returns the life itself, which may still change.
func (p *pods) live(name string) *podLife {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.lives {
		if l.name == name && l.gone.IsZero() {
			return l
		}
	}
	return nil
}

// drainLogged returns nil if the log of Lameduck has a complete drain.
func (l podLife) drainLogged() error {
	if !l.drain().complete {
		return fmt.Errorf("log %q", l.log)
	}
	return nil
}

// awaitGone waits until a pod is gone and returns its life. Another pod may have its name then.
func (p *pods) awaitGone(t *testing.T, within time.Duration, name string) (l podLife) {
	t.Helper()
	uid := p.life(name).last.UID
	deploytest.Await(t, within, "the end of pod "+name, func() (err error) {
		l, err = p.gone(uid)
		return err
	})
	return l
}

func ready(pod *corev1.Pod) bool {
	return slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}

// container returns the last status of a container.
func (l podLife) container(name string) corev1.ContainerStatus {
	if l.last == nil {
		return corev1.ContainerStatus{}
	}
	for _, s := range append(slices.Clone(l.last.Status.ContainerStatuses),
		l.last.Status.InitContainerStatuses...) {
		if s.Name == name {
			return s
		}
	}
	return corev1.ContainerStatus{}
}

// message returns the termination message of a container.
func (l podLife) message(container string) string {
	if s := l.container(container); s.State.Terminated != nil {
		return strings.TrimSpace(s.State.Terminated.Message)
	}
	return ""
}

// ending returns the app's report of its exit, from its termination message or, with a wrapper,
// from the log that it shares with Lameduck.
func (l podLife) ending() (ending, error) {
	said := append(slices.Clone(l.log), l.message("app"))
	for _, line := range said {
		if e, is := parseEnding(line); is {
			return e, nil
		}
	}
	return ending{}, fmt.Errorf("the app of %s has not reported a signal: %q", l.name, said)
}

// A drain is a drain in Lameduck's log.
type drain struct {
	begun, drained, stopped time.Time // zero if not in the log
	trigger                 string
	reason                  string
	exchanges               int
	connections             int           // observed ones
	last, required          time.Duration // last: exchange, or event of an observed connection
	cutExchanges            int
	unanswered              int
	complete                bool // the log has the end of the drain
}

// drain reads Lameduck's log.
func (l podLife) drain() drain {
	var d drain
	for _, line := range l.log {
		var entry struct {
			Message  string    `json:"msg"`
			Time     time.Time `json:"ts"`
			Trigger  string    `json:"trigger"`
			Reason   string    `json:"reason"`
			Count    int       `json:"exchanges"`
			Last     string    `json:"last_exchange_after"`
			Required string    `json:"required_silence"`
			Cut      int       `json:"cut_exchanges"`
			Left     int       `json:"unanswered_exchanges"`
			Observed struct {
				Connections int     `json:"connections"`
				LastEvent   float64 `json:"last_event_seconds"`
			} `json:"observed"`
		}
		if json.Unmarshal([]byte(line), &entry) != nil {
			continue
		}
		switch entry.Message {
		case "draining":
			d.begun, d.trigger = entry.Time, entry.Trigger
		case "drained":
			d.drained, d.reason = entry.Time, entry.Reason
		case "stopped":
			d.complete, d.stopped = true, entry.Time
			d.exchanges, d.cutExchanges, d.unanswered = entry.Count, entry.Cut, entry.Left
			d.last, _ = time.ParseDuration(entry.Last)
			d.required, _ = time.ParseDuration(entry.Required)
			d.connections = entry.Observed.Connections
			d.last = max(d.last, time.Duration(entry.Observed.LastEvent*float64(time.Second)))
		}
	}
	return d
}

func (d drain) String() string {
	if d.drained.IsZero() {
		return "no complete drain is in the log"
	}
	return fmt.Sprintf("%s after %.1f s, triggered by %s; %d exchanges and %d observed "+
		"connections, the last after %.1f s; silence required %.1f s; cut %d; not answered %d",
		d.reason, d.drained.Sub(d.begun).Seconds(), d.trigger, d.exchanges, d.connections, d.last.Seconds(),
		d.required.Seconds(), d.cutExchanges, d.unanswered)
}
