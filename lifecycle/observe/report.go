package observe

import (
	"fmt"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// connectionsLocked returns how many connections that are traffic have been seen.
func (o *Observer) connectionsLocked() (n uint64) {
	for _, p := range o.flows.ports {
		n += p.connections
	}
	return n + o.flows.counts.unseen
}

// Stats are what has been observed of a drain.
type Stats struct {
	Connections uint64        // that are traffic and were first seen in the drain
	LastEvent   time.Duration // from the drain's start; zero if there was none
	Probes      uint64        // connections that the kubelet's probes explain
	Empty       uint64        // short connections without data
	Kept, Peers int           // connections that were open when the hold ended, and their addresses
}

// Stats returns the counts since the start of the drain.
func (o *Observer) Stats() Stats {
	o.mu.Lock()
	defer o.mu.Unlock()
	f := o.flows
	return Stats{
		Connections: o.connectionsLocked() - o.seen,
		LastEvent:   max(0, f.traffic.last-o.start),
		Probes:      f.counts.probes - o.before.probes,
		Empty:       f.counts.empty - o.before.empty,
		Kept:        o.kept,
		Peers:       o.peers,
	}
}

// EndHold records the connections that are open at the end of the hold.
func (o *Observer) EndHold() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.drainLocked()
	o.lookLocked(o.now())
	o.kept, o.peers = o.flows.kept()
}

// Bypassed returns how many connections of clients have bypassed the relay.
func (o *Observer) Bypassed() (n uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, p := range o.flows.ports {
		if p.Relay != 0 {
			n += p.connections
		}
	}
	return n
}

// warnOfBypassLocked warns, once, if clients connect to the app past the relay.
func (o *Observer) warnOfBypassLocked() {
	if o.bypassed {
		return
	}
	for _, p := range o.flows.ports {
		if p.Relay != 0 && p.connections > 0 {
			o.bypassed = true
			o.log.Warn("clients bypass lameduck: drains wait for their connections, but they are not asked to "+
				"disconnect (let Services and other references use the relay's port; if lameduck redirect "+
				"is used, its rules are gone: replace the pod)",
				zap.Uint16("port", p.Number), zap.Uint16("relay_port", p.Relay))
			return
		}
	}
}

// logStart logs how the ports are watched.
func (o *Observer) logStart(err error) {
	fields := []zap.Field{
		zap.Uint16s("ports", o.numbers),
		zap.String("by", o.meansLocked()),
		zap.String("minimum_kernel", minimumKernel),
	}
	release := kernelRelease()
	switch fields = append(fields, zap.String("kernel", release)); {
	case isOlder(release):
		o.log.Log(o.severity(), "the kernel is too old to report what happens on observed connections: a drain "+
			"holds for the configured delay of the load balancer while any is open", append(fields, zap.Error(err))...)
	case o.reported && !o.blind:
		o.log.Info("observing", fields...)
	default:
		o.log.Log(o.severity(), "observing with less than the kernel can report: a drain holds for the configured "+
			"delay of the load balancer while connections are open (allow NETLINK_SOCK_DIAG)",
			append(fields, zap.Error(err))...)
	}
}

// logBlind logs that no sockets can be read.
func (o *Observer) logBlind(err error) {
	o.log.Log(o.severity(), "observed ports cannot be watched: a drain holds for the configured delay of the "+
		"load balancer (allow NETLINK_SOCK_DIAG or /proc/net/tcp)", zap.Error(err))
}

// severity returns the level at which a problem is logged. Behind a relay it loses nothing.
func (o *Observer) severity() zapcore.Level {
	if o.only {
		return zap.WarnLevel
	}
	return zap.DebugLevel
}

// meansLocked names the means of observation for the log.
func (o *Observer) meansLocked() string {
	switch {
	case o.blind:
		return "nothing"
	case !o.reported:
		return "dumps"
	}
	return "events and dumps"
}

// minimumKernel is the first Linux that counts segments with data. The groups of ended sockets are
// older.
const minimumKernel = "4.6"

// isOlder reports whether a release of Linux, such as 4.4.0-210-generic, is older than the minimum.
// It returns false if it cannot parse the release.
func isOlder(release string) bool {
	major, minor, ok := parseRelease(release)
	minMajor, minMinor, _ := parseRelease(minimumKernel)
	return ok && (major < minMajor || major == minMajor && minor < minMinor)
}

func parseRelease(release string) (major, minor int, ok bool) {
	n, _ := fmt.Sscanf(release, "%d.%d", &major, &minor)
	return major, minor, n == 2
}
