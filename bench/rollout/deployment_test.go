package rollout

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// endpoints records the changes of a load balancer with their times.
type endpoints struct {
	mu    sync.Mutex
	calls []string
	at    map[string]time.Time
}

func (e *endpoints) note(what, addr string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.at == nil {
		e.at = make(map[string]time.Time)
	}
	e.calls = append(e.calls, what+" "+addr)
	e.at[what+" "+addr] = time.Now()
	return nil
}

func (e *endpoints) Add(_ context.Context, addr string) error    { return e.note("add", addr) }
func (e *endpoints) Remove(_ context.Context, addr string) error { return e.note("remove", addr) }

// deploy returns a started deployment of single processes, and the addresses of its pods in the
// order of their creation.
func deploy(t *testing.T, replicas int, minReady time.Duration) (*Deployment, *endpoints, *[]string) {
	k, _ := kubelet(t)
	e, addrs := new(endpoints), new([]string)
	d := &Deployment{Kubelet: k, Endpoints: e, MinReady: minReady, Template: func(n int) (Spec, error) {
		*addrs = append(*addrs, freeAddr(t))
		addr := (*addrs)[n]
		return Spec{Name: fmt.Sprint("pod", n), Addr: addr, Containers: []Container{role("ready", addr)}}, nil
	}}
	if err := d.Start(t.Context(), replicas); err != nil {
		t.Fatal(err)
	}
	return d, e, addrs
}

func TestUpdateReplacesEveryPodInTurn(t *testing.T) {
	d, e, addrs := deploy(t, 2, 0)
	report, err := d.Update(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	a := *addrs
	want := []string{"add " + a[0], "add " + a[1], "add " + a[2], "remove " + a[0], "add " + a[3], "remove " + a[1]}
	if !slices.Equal(e.calls, want) {
		t.Errorf("changes of the load balancer\n  %v, want\n  %v", e.calls, want)
	}
	for i, r := range report.Replaced {
		if r.Addr != a[i] || len(r.Events) == 0 || report.Ended.Before(r.T0.Add(r.Took)) {
			t.Errorf("report of the end of pod %d: %+v", i, r)
		}
		if probe(t.Context(), "http://"+a[i], nil) == nil {
			t.Errorf("pod %d still runs", i)
		}
	}
	for _, addr := range a[2:] {
		err := errors.New("not probed")
		for deadline := time.Now().Add(time.Minute); err != nil && time.Now().Before(deadline); {
			err = probe(t.Context(), "http://"+addr, nil)
		}
		if err != nil {
			t.Errorf("a new pod does not serve: %v", err)
		}
	}
}

func TestPodIsRemovedAndTerminatedAtTheSameMoment(t *testing.T) {
	d, e, addrs := deploy(t, 1, 0)
	report, err := d.Update(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	apart := e.at["remove "+(*addrs)[0]].Sub(report.Replaced[0].T0).Abs()
	if apart > 10*time.Second { // the machine may be busy
		t.Errorf("it was removed and terminated %v apart", apart)
	}
}

func TestOldPodEndsWhenTheNewOneIsAvailable(t *testing.T) {
	const minReady = 80 * time.Millisecond
	d, e, addrs := deploy(t, 1, minReady)
	report, err := d.Update(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := report.Replaced[0].T0.Sub(e.at["add "+(*addrs)[1]]); got < minReady {
		t.Errorf("the old pod was stopped %v after the new one was ready, want %v", got, minReady)
	}
}

func TestUpdateEndsAtAPodThatDoesNotStart(t *testing.T) {
	d, e, addrs := deploy(t, 2, 0)
	template := d.Template
	d.Template = func(n int) (Spec, error) {
		s, err := template(n)
		if n == 3 {
			s.Containers[0].Env = []string{"ROLE=fail", quick}
		}
		return s, err
	}
	report, err := d.Update(t.Context())
	if err == nil || !strings.Contains(err.Error(), "pod3: container ready ended before it was ready") {
		t.Errorf("got %v, want it to name the pod that ended", err)
	}
	if len(report.Replaced) != 1 || slices.Contains(e.calls, "remove "+(*addrs)[1]) {
		t.Errorf("%d pods were replaced, want only the first", len(report.Replaced))
	}
}

func TestTemplateErrorIsPassedOn(t *testing.T) {
	k, _ := kubelet(t)
	broken := errors.New("no port")
	d := &Deployment{Kubelet: k, Endpoints: new(endpoints), Template: func(int) (Spec, error) { return Spec{}, broken }}
	if err := d.Start(t.Context(), 1); !errors.Is(err, broken) {
		t.Errorf("got %v, want %v", err, broken)
	}
}
