package redirect

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"unsafe"

	"github.com/google/nftables"
	"golang.org/x/sys/unix"
)

// refuseOthers returns an error if other rules translate addresses before routing, as those of a
// mesh do.
func refuseOthers(c *nftables.Conn) error {
	chains, err := c.ListChains()
	if err != nil {
		return explain("list chains", err)
	}
	for _, ch := range chains {
		if !translates(ch) {
			continue
		}
		rules, err := c.GetRules(ch.Table, ch)
		if err != nil {
			return explain("list rules", err)
		}
		if len(rules) > 0 {
			return othersError(fmt.Sprintf("chain %s of table %s", ch.Name, ch.Table.Name))
		}
	}
	for _, family := range legacyFamilies {
		if family.hasRules() {
			return othersError("chain PREROUTING of " + family.command)
		}
	}
	return nil
}

func othersError(where string) error {
	return fmt.Errorf("other rules redirect connections too (%s), probably those of a service mesh: "+
		"use --behind-mesh with the user id of its proxy, or leave redirect out", where)
}

// translates reports whether a chain of another program sees the connections that ours would.
func translates(ch *nftables.Chain) bool {
	ours := ch.Table.Family == nftables.TableFamilyINet && ch.Table.Name == tableName
	families := []nftables.TableFamily{
		nftables.TableFamilyINet, nftables.TableFamilyIPv4, nftables.TableFamilyIPv6,
	}
	return !ours && ch.Type == nftables.ChainTypeNAT && slices.Contains(families, ch.Table.Family) &&
		ch.Hooknum != nil && *ch.Hooknum == *nftables.ChainHookPrerouting
}

// A legacyFamily is one of the tables of iptables from before nftables.
type legacyFamily struct {
	command, names        string
	domain, level, option int
}

// legacyFamilies have the options IPT_SO_GET_INFO and IP6T_SO_GET_INFO.
var legacyFamilies = []legacyFamily{
	{"iptables-legacy", "/proc/thread-self/net/ip_tables_names", unix.AF_INET, unix.IPPROTO_IP, 64},
	{"ip6tables-legacy", "/proc/thread-self/net/ip6_tables_names", unix.AF_INET6, unix.IPPROTO_IPV6, 64},
}

// legacyInfo is struct ipt_getinfo of the kernel.
type legacyInfo struct {
	name       [32]byte
	validHooks uint32
	entry      [5]uint32 // by hook: the offset of its first rule
	underflow  [5]uint32 // by hook: the offset of its policy
	entries    uint32
	size       uint32
}

// hasRules reports whether the nat table has rules at the hook prerouting. It does not query a
// table that does not exist, since that would create it.
func (f legacyFamily) hasRules() bool {
	names, err := os.ReadFile(f.names)
	if err != nil || !slices.Contains(strings.Fields(string(names)), "nat") {
		return false
	}
	socket, err := unix.Socket(f.domain, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_RAW)
	if err != nil { // without NET_RAW
		socket, err = unix.Socket(f.domain, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	}
	if err != nil {
		return true // there is a table, and it cannot be read
	}
	defer func() { _ = unix.Close(socket) }()
	var info legacyInfo
	copy(info.name[:], "nat")
	size := uint32(unsafe.Sizeof(info))
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(socket), uintptr(f.level), uintptr(f.option),
		uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0)
	return errno != 0 || info.entry[prerouting] != info.underflow[prerouting]
}

const prerouting = 0 // NF_INET_PRE_ROUTING
