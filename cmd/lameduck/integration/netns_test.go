package integration

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"sync/atomic"
	"testing"
)

// A namespace is a network namespace with a link to ours, as a pod has one.
type namespace struct {
	name              string
	address, address6 string   // of the pod, by IPv4 and IPv6
	gateway, gateway6 string   // our own on the link
	clients           []net.IP // more of our own, and the gateway
}

var namespaces atomic.Int32

// newNamespace creates a network namespace. Without the right to do so the test is skipped.
func newNamespace(t *testing.T) *namespace {
	t.Helper()
	if os.Getuid() != 0 {
		lack(t, "needs root for a network namespace")
	}
	ip := requireProgram(t, "ip")
	n := namespaces.Add(1)
	pid := os.Getpid()
	ns := &namespace{name: fmt.Sprintf("lameduck-%d-%d", pid, n)}
	link := fmt.Sprintf("ld%d.%d", pid%100000, n)
	subnet := fmt.Sprintf("10.%d.%d.", 200+n%50, pid%250)
	ns.gateway, ns.address = subnet+"1", subnet+"2"
	subnet6 := fmt.Sprintf("fd2e:%x:%x::", pid%65536, n)
	ns.gateway6, ns.address6 = subnet6+"1", subnet6+"2"
	for _, host := range []string{"1", "3", "4", "5"} {
		ns.clients = append(ns.clients, net.ParseIP(subnet+host))
	}
	if out, err := exec.Command(ip, "netns", "add", ns.name).CombinedOutput(); err != nil {
		lack(t, fmt.Sprintf("needs a network namespace: %v: %s", err, out))
	}
	t.Cleanup(func() { _ = exec.Command(ip, "netns", "del", ns.name).Run() })
	commands := [][]string{
		{"link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", ns.name},
		{"addr", "add", ns.gateway6 + "/64", "dev", link, "nodad"},
		{"link", "set", link, "up"},
		{"-n", ns.name, "link", "set", "lo", "up"},
		{"-n", ns.name, "addr", "add", ns.address + "/24", "dev", "eth0"},
		{"-n", ns.name, "addr", "add", ns.address6 + "/64", "dev", "eth0", "nodad"},
		{"-n", ns.name, "link", "set", "eth0", "up"},
	}
	for _, client := range ns.clients {
		commands = append(commands, []string{"addr", "add", client.String() + "/24", "dev", link})
	}
	for _, args := range commands {
		if out, err := exec.Command(ip, args...).CombinedOutput(); err != nil {
			t.Fatalf("ip %v: %v: %s", args, err, out)
		}
	}
	return ns
}

// start starts a program in the namespace.
func (ns *namespace) start(t *testing.T, env []string, path string, args ...string) *program {
	t.Helper()
	return start(t, env, "ip", append([]string{"netns", "exec", ns.name, path}, args...)...)
}
