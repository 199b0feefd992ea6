package redirect

import (
	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// The kernel keeps the conntrack entry of a connection for two minutes after its end (TIME_WAIT).
// At 2,000 connections a second that is 240,000 entries, nearly as many as the table has room for.
// If a late segment arrives after its entry has expired, the same rules create it again.
const (
	timeWait    = 10 // seconds
	closed      = 5
	established = 5 * 24 * 3600 // the kernel's default, which the library does not have
)

// A timeout is a policy of the table, for one of the two protocols.
type timeout struct {
	name     string
	protocol byte
	family   uint16
}

var timeouts = []timeout{
	{"short4", unix.NFPROTO_IPV4, unix.NFPROTO_IPV4},
	{"short6", unix.NFPROTO_IPV6, unix.NFPROTO_IPV6},
}

// object returns the policy. The other times are the kernel's defaults.
func (t timeout) object(table *nftables.Table) nftables.Obj {
	return &nftables.NamedObj{
		Table: table, Name: t.name, Type: nftables.ObjTypeCtTimeout,
		Obj: &expr.CtTimeout{
			L3Proto: t.family, L4Proto: unix.IPPROTO_TCP,
			Policy: expr.CtStatePolicyTimeout{
				expr.CtStateTCPESTABLISHED: established,
				expr.CtStateTCPTIMEWAIT:    timeWait,
				expr.CtStateTCPCLOSE:       closed,
			},
		},
	}
}

func protocolIs(protocol byte) []expr.Any {
	return []expr.Any{&expr.Meta{Key: expr.MetaKeyNFPROTO, Register: 1}, is([]byte{protocol})}
}

func setTimeout(name string) []expr.Any {
	return []expr.Any{&expr.Objref{Type: int(nftables.ObjTypeCtTimeout), Name: name}}
}
