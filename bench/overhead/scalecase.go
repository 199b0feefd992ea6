package main

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// A scaling says which cores a proxy gets as it grows, and which the load and the app have.
type scaling struct {
	Counts []int // of the proxy's cores: 1, 2, 4 and so on
	Cores  []int // their numbers; a proxy with n cores gets the last n
	Load   unix.CPUSet
	Shared bool // the load has to use the proxy's cores
}

// newScaling gives half of the cores to the proxy. With fewer than four cores the proxy gets all,
// and shares them with the load and the app, whatever its own number.
func newScaling(allowed unix.CPUSet) scaling {
	var s scaling
	for id := range maxCores {
		if allowed.IsSet(id) {
			s.Cores = append(s.Cores, id)
		}
	}
	s.Load = allowed
	if s.Shared = len(s.Cores) < 4; !s.Shared {
		half := len(s.Cores) - len(s.Cores)/2
		for _, id := range s.Cores[half:] {
			s.Load.Clear(id)
		}
		s.Cores = s.Cores[half:]
	}
	for n := 1; n <= len(s.Cores); n *= 2 {
		s.Counts = append(s.Counts, n)
	}
	return s
}

// proxy returns the cores of a proxy with n of them.
func (s scaling) proxy(n int) unix.CPUSet {
	var set unix.CPUSet
	for _, id := range s.Cores[len(s.Cores)-n:] {
		set.Set(id)
	}
	return set
}

// scaleCase measures the same load with more and more cores for the proxy.
//
// A proxy that scales linearly needs the same CPU time for a request on n cores as on one. So the
// share of linear is the CPU time on one core divided by that on n. It is the throughput that the
// cores permit, even if the load is too slow to reach it.
func scaleCase(s scaling) benchCase {
	title := fmt.Sprintf("64-byte answers over %d keep-alive connections, with as many threads as cores", throughputConnections)
	if s.Shared {
		title += "; this machine has too few cores: the load and the app share all of them with the proxy, " +
			"so that requests per second are not its limit, but CPU times are comparable"
	}
	c := benchCase{
		Name:       "scale",
		Title:      title,
		Share:      1.0 / 3,
		Extra:      time.Duration(len(s.Counts)) * (warmTime + 2*settleTime + 300*time.Millisecond),
		RoundStep:  1,
		Standalone: true,
		Only:       mostUsed(),
	}
	for _, n := range s.Counts {
		c.Metrics = append(c.Metrics,
			metric{
				Name: scaled("cpu", n), Title: "CPU per request on " + coreCount(n),
				Unit: microseconds.Name, Digits: microseconds.Digits,
			},
			metric{Name: scaled("rate", n), Title: "requests per second on " + coreCount(n)})
		if n > 1 {
			c.Metrics = append(c.Metrics, metric{
				Name: scaled("linear", n), Title: "share of linear on " + coreCount(n), Digits: 2, Alone: true,
			})
		}
	}
	c.measure = func(ctx context.Context, b *bench, st step) ([]measurement, error) {
		m, err := b.measureScaling(ctx, st.Peers[0], s, st.Duration)
		return []measurement{m}, err
	}
	return c
}

// scaled returns the name of a metric with n cores.
func scaled(name string, n int) string { return fmt.Sprintf("%s_%d", name, n) }

func coreCount(n int) string {
	if n == 1 {
		return "one core"
	}
	return fmt.Sprintf("%d cores", n)
}

func (b *bench) measureScaling(ctx context.Context, p peer, s scaling, d time.Duration) (measurement, error) {
	result := measurement{Values: map[string]float64{}}
	at, err := b.appPaths(ctx, http1)
	if err != nil {
		return result, err
	}
	at.Cores = s.Load.Count()
	app, err := startInstance(ctx, nginxApp(), at, s.Load)
	if err != nil {
		return result, err
	}
	defer app.stop()
	for _, n := range s.Counts {
		m, err := b.measureOnCores(ctx, p, app.paths.Listen, s, n, d)
		if err != nil {
			return result, fmt.Errorf("on %s: %w", coreCount(n), err)
		}
		result.Notes = append(result.Notes, m.Notes...)
		result.Values[scaled("cpu", n)] = m.Values["cpu"]
		result.Values[scaled("rate", n)] = m.Values["rate"]
	}
	addLinear(result.Values, s.Counts)
	return result, nil
}

// addLinear adds the share of linear for each number of cores but one.
func addLinear(values map[string]float64, counts []int) {
	for _, n := range counts {
		if cpu := values[scaled("cpu", n)]; n > 1 && cpu > 0 {
			values[scaled("linear", n)] = values[scaled("cpu", 1)] / cpu
		}
	}
}

// measureOnCores measures a new instance with n cores.
func (b *bench) measureOnCores(
	ctx context.Context, p peer, app string, s scaling, n int, d time.Duration,
) (measurement, error) {
	at := b.paths
	at.App, at.Binary, at.Cores = app, b.binaries[p.Name], n
	at.limitTo(b.roomy())
	in, err := startInstance(ctx, p, at, s.proxy(n))
	if err != nil {
		return measurement{}, err
	}
	defer in.stop()
	l := load{Path: "/small", Connections: throughputConnections, Threads: s.Load.Count()}
	if _, err := l.send(ctx, in.paths, warmTime, s.Load); err != nil {
		return measurement{}, err
	}
	return b.metered(ctx, groups(in), microseconds, func() (outcome, error) {
		return l.send(ctx, in.paths, d, s.Load)
	})
}
