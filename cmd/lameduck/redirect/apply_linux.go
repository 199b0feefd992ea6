package redirect

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"syscall"
	"time"

	"github.com/google/nftables"
	"github.com/mdlayher/netlink"
)

// answerTimeout bounds the wait for the kernel's answers. Without nf_tables it answers a transaction
// only once, and not each part of it.
const answerTimeout = 10 * time.Second

// Apply creates the rules, replacing those of an earlier run, and reads them back. It returns an
// error if they would affect more than the pod or collide with those of a mesh. environ has the
// variables of [HostNetwork].
func (r *Rules) Apply(environ map[string]string) error {
	if HostNetwork(environ) {
		return errHostNetwork
	}
	c, err := nftables.New(nftables.AsLasting(), nftables.WithSockOptions(func(c *netlink.Conn) error {
		return c.SetDeadline(time.Now().Add(answerTimeout))
	}))
	if err != nil {
		return explain("open netlink", err)
	}
	defer func() { _ = c.CloseLasting() }()
	if r.Mesh == nil {
		if err := refuseOthers(c); err != nil {
			return err
		}
	}
	if err := r.replace(c, true); err != nil { // perhaps the kernel has no timeouts of connections
		return r.replace(c, false)
	}
	return nil
}

// replace writes the table and reads it back.
func (r *Rules) replace(c *nftables.Conn, short bool) error {
	chains := r.chains(short)
	if err := write(c, chains, short); err != nil {
		return explain("write the rules", err)
	}
	if err := verify(c, chains); err != nil {
		return explain("read the rules back", err)
	}
	return nil
}

var errHostNetwork = errors.New("this is the network of the node (hostNetwork): the rules would redirect the " +
	"node's ports: leave redirect out, and observe the app's ports (LAMEDUCK_OBSERVE)")

// HostNetwork reports whether the process is in the network namespace of the node. The variables
// are LAMEDUCK_POD_IP and LAMEDUCK_HOST_IP, status.podIP and status.hostIP of the downward API: with
// hostNetwork they are equal. Without them, the initial network namespace of the kernel counts.
func HostNetwork(environ map[string]string) bool {
	pod, err := netip.ParseAddr(environ["LAMEDUCK_POD_IP"])
	host, hostErr := netip.ParseAddr(environ["LAMEDUCK_HOST_IP"])
	if err == nil && hostErr == nil {
		return pod == host
	}
	_, err = os.Stat("/proc/sys/net/core/netdev_budget") // other namespaces have no such setting
	return err == nil
}

// explain adds the reason and the remedy to an error of the kernel.
func explain(doing string, err error) error {
	for _, reason := range []struct {
		errs   []error
		remedy string
	}{{
		[]error{syscall.EPERM, syscall.EACCES, syscall.ENOSYS},
		"the container needs runAsUser 0, the capability NET_ADMIN, and a seccomp profile that allows " +
			"netlink: where they are refused, observe the app's ports (LAMEDUCK_OBSERVE)",
	}, {
		[]error{
			syscall.EPROTONOSUPPORT, syscall.EAFNOSUPPORT, syscall.EOPNOTSUPP, syscall.ENOENT, syscall.EINVAL,
			syscall.ENOPROTOOPT, os.ErrDeadlineExceeded,
		},
		"the kernel needs Linux 5.2 and the modules nf_tables, nft_chain_nat, nft_redir and nft_fib_inet: load " +
			"them on the node, or observe the app's ports (LAMEDUCK_OBSERVE)",
	}} {
		for _, e := range reason.errs {
			if errors.Is(err, e) {
				return fmt.Errorf("%s: %w: %s", doing, err, reason.remedy)
			}
		}
	}
	return fmt.Errorf("%s: %w", doing, err)
}
