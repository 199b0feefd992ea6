package redirect

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// inNamespace runs a test on a thread with a network namespace of its own.
func inNamespace(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root for a network namespace")
	}
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		err := unix.Unshare(unix.CLONE_NEWNET)
		if err == nil {
			f(t)
		}
		done <- err
	}()
	if err := <-done; err != nil {
		t.Skip(err)
	}
}

// The table is read back, so a kernel or another program that has changed it is
// noticed.
func TestVerify_NoticesEveryDifference(t *testing.T) {
	mesh := uint32(1337)
	for _, mesh := range []*uint32{nil, &mesh} {
		for _, short := range []bool{true, false} {
			inNamespace(t, func(t *testing.T) { verifyDifferences(t, mesh, short) })
		}
	}
}

func verifyDifferences(t *testing.T, mesh *uint32, short bool) {
	rules := Rules{Ports: []Redirect{{8080, 18080}}, Direct: []Redirect{{18091, 8080}}, Mesh: mesh}
	c, err := nftables.New(nftables.AsLasting())
	if err != nil {
		t.Error(err)
		return
	}
	defer func() { _ = c.CloseLasting() }()
	table := &nftables.Table{Name: tableName, Family: nftables.TableFamilyINet}
	for name, alter := range map[string]func(chains []chain){
		"nothing": func([]chain) {},
		"a rule more": func([]chain) {
			c.AddRule(&nftables.Rule{
				Table: table, Chain: &nftables.Chain{Name: "inbound"},
				Exprs: []expr.Any{&expr.Verdict{Kind: expr.VerdictAccept}},
			})
		},
		"a chain more":  func([]chain) { c.AddChain(&nftables.Chain{Table: table, Name: "more"}) },
		"no table":      func([]chain) { c.DelTable(table) },
		"another port":  func(chains []chain) { chains[0].rules[1] = join(tcpPort(destination, 8081), redirectTo(18080)) },
		"another relay": func(chains []chain) { chains[0].rules[1] = join(tcpPort(destination, 8080), redirectTo(18081)) },
		"another user": func(chains []chain) {
			chains[1].rules[0] = join(userIs(1), tcpPort(destination, 8080), redirectTo(18080))
		},
		"another hook":     func(chains []chain) { chains[1].hook = *nftables.ChainHookPrerouting },
		"another priority": func(chains []chain) { chains[0].priority-- },
		"another chain":    func(chains []chain) { chains[0].name = "in" },
		"no rule":          func(chains []chain) { chains[0].rules = nil },
	} {
		written := write(c, rules.chains(short), short)
		want := rules.chains(short)
		alter(want)
		if err := errors.Join(written, c.Flush()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := verify(c, want); (err == nil) != (name == "nothing") {
			t.Errorf("%s differs: %v", name, err)
		}
	}
}

// The tables of legacy iptables are not chains of nftables.
func TestLegacyRulesAreFoundAndAnEmptyTableIsIgnored(t *testing.T) {
	for _, family := range legacyFamilies {
		command, err := exec.LookPath(family.command)
		if err != nil {
			t.Skip(err)
		}
		run := func(args ...string) error {
			out, err := exec.Command(command, append([]string{"-t", "nat"}, args...)...).CombinedOutput()
			if err != nil {
				err = fmt.Errorf("%w: %s", err, out)
			}
			return err
		}
		inNamespace(t, func(t *testing.T) {
			before := family.hasRules()
			listed := run("-L", "-n")
			empty := family.hasRules()
			added := run("-A", "PREROUTING", "-p", "tcp", "--dport", "80", "-j", "REDIRECT", "--to-ports", "81")
			full := family.hasRules()
			switch {
			case before || empty:
				t.Errorf("%s: a namespace without rules has some", family.command)
			case listed == nil && added == nil && !full:
				t.Errorf("%s: a rule is not found", family.command)
			}
		})
	}
}

func TestTranslates_OnlyBeforeRouting(t *testing.T) {
	chain := nftables.Chain{
		Table: &nftables.Table{Name: "nat", Family: nftables.TableFamilyIPv4},
		Type:  nftables.ChainTypeNAT, Hooknum: nftables.ChainHookPrerouting,
	}
	if !translates(&chain) {
		t.Error("the nat table of iptables is not taken for one of another program")
	}
	chain.Hooknum = nftables.ChainHookPostrouting
	if translates(&chain) {
		t.Error("rules after routing collide with ours")
	}
}

func TestHostNetwork_FollowsTheAddressesOfTheDownwardAPI(t *testing.T) {
	inNamespace(t, func(t *testing.T) {
		for env, want := range map[[2]string]bool{
			{"10.0.0.9", "10.0.0.9"}:    true,
			{"10.0.0.9", "192.168.0.1"}: false,
			{"fd00::1", "fd00:0:0::1"}:  true,
			{"", ""}:                    false,
			{"", "192.168.0.1"}:         false,
		} {
			got := HostNetwork(map[string]string{"LAMEDUCK_POD_IP": env[0], "LAMEDUCK_HOST_IP": env[1]})
			if got != want {
				t.Errorf("pod %q, host %q: %t, want %t", env[0], env[1], got, want)
			}
		}
	})
}

func TestExplain_NamesTheRemedy(t *testing.T) {
	for err, want := range map[error]string{
		syscall.EPERM:           "capability NET_ADMIN",
		syscall.ENOENT:          "modules nf_tables",
		syscall.EOPNOTSUPP:      "Linux 5.2",
		syscall.EPROTONOSUPPORT: "LAMEDUCK_OBSERVE",
		os.ErrDeadlineExceeded:  "modules nf_tables",
		errors.New("other"):     "other",
	} {
		got := explain("write the rules", fmt.Errorf("netlink: %w", err))
		if !strings.Contains(got.Error(), want) || !errors.Is(got, err) {
			t.Errorf("%v is explained as %q, want %q in it", err, got, want)
		}
	}
}
