package redirect

import (
	"fmt"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// tableName is the name of the table in the family inet, which has IPv4 and IPv6.
const tableName = "lameduck"

// behind is the priority of a table that comes after a mesh's rules.
const behind = -90

// A chain is a chain of the table, with the expressions of its rules.
type chain struct {
	name     string
	kind     nftables.ChainType
	hook     nftables.ChainHook
	priority nftables.ChainPriority
	rules    [][]expr.Any
}

// chains returns the chains of the table. With short, they set short timeouts, see [timeouts].
func (r *Rules) chains(short bool) []chain {
	inbound := r.inbound(short)
	if r.Mesh == nil {
		return []chain{inbound, r.untracked()}
	}
	inbound.priority = behind
	return []chain{inbound, r.meshed()}
}

// inbound redirects connections from outside the pod.
func (r *Rules) inbound(short bool) chain {
	c := chain{
		name: "inbound", kind: nftables.ChainTypeNAT,
		hook: *nftables.ChainHookPrerouting, priority: *nftables.ChainPriorityNATDest,
		rules: [][]expr.Any{
			join(interfaceIs(expr.MetaKeyIIFNAME, "lo"), []expr.Any{&expr.Verdict{Kind: expr.VerdictReturn}}),
		},
	}
	for _, p := range append(append([]Redirect{}, r.Ports...), r.Direct...) {
		if short {
			for _, t := range timeouts {
				c.rules = append(c.rules,
					join(protocolIs(t.protocol), tcpPort(destination, p.From), setTimeout(t.name)))
			}
		}
		c.rules = append(c.rules, join(tcpPort(destination, p.From), addressIsLocal(), redirectTo(p.To)))
	}
	return c
}

// untracked exempts the relay's connections to the app from connection tracking, which would
// otherwise have two entries for each client.
func (r *Rules) untracked() chain {
	c := chain{
		name: "untracked", kind: nftables.ChainTypeFilter,
		hook: *nftables.ChainHookOutput, priority: *nftables.ChainPriorityRaw,
	}
	for _, p := range r.Ports {
		for _, end := range []uint32{destination, source} {
			c.rules = append(c.rules,
				join(interfaceIs(expr.MetaKeyOIFNAME, "lo"), tcpPort(end, p.From), []expr.Any{&expr.Notrack{}}))
		}
	}
	return c
}

// meshed redirects what the proxy of a mesh sends to the app.
func (r *Rules) meshed() chain {
	c := chain{
		name: "meshed", kind: nftables.ChainTypeNAT, hook: *nftables.ChainHookOutput, priority: behind,
	}
	for _, p := range r.Ports {
		c.rules = append(c.rules, join(interfaceIs(expr.MetaKeyOIFNAME, "lo"), userIs(*r.Mesh),
			tcpPort(destination, p.From), redirectTo(p.To)))
	}
	return c
}

func join(parts ...[]expr.Any) (all []expr.Any) {
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

// is returns an expression that continues the rule if register 1 has this value.
func is(value []byte) expr.Any { return &expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: value} }

func interfaceIs(key expr.MetaKey, name string) []expr.Any {
	padded := make([]byte, unix.IFNAMSIZ)
	copy(padded, name)
	return []expr.Any{&expr.Meta{Key: key, Register: 1}, is(padded)}
}

func userIs(id uint32) []expr.Any {
	return []expr.Any{&expr.Meta{Key: expr.MetaKeySKUID, Register: 1}, is(binaryutil.NativeEndian.PutUint32(id))}
}

// The offsets of the ports in the header of TCP.
const source, destination = 0, 2

func tcpPort(end uint32, port uint16) []expr.Any {
	return []expr.Any{
		&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: 1}, is([]byte{unix.IPPROTO_TCP}),
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseTransportHeader, Offset: end, Len: 2},
		is(binaryutil.BigEndian.PutUint16(port)),
	}
}

// addressIsLocal returns expressions that continue the rule if the destination is an address of
// this network namespace.
func addressIsLocal() []expr.Any {
	return []expr.Any{
		&expr.Fib{Register: 1, ResultADDRTYPE: true, FlagDADDR: true},
		is(binaryutil.NativeEndian.PutUint32(unix.RTN_LOCAL)),
	}
}

func redirectTo(port uint16) []expr.Any {
	return []expr.Any{
		&expr.Immediate{Register: 1, Data: binaryutil.BigEndian.PutUint16(port)},
		&expr.Redir{RegisterProtoMin: 1, RegisterProtoMax: 1, Flags: unix.NF_NAT_RANGE_PROTO_SPECIFIED},
	}
}

// write replaces the table in one transaction.
func write(c *nftables.Conn, chains []chain, short bool) error {
	table := &nftables.Table{Name: tableName, Family: nftables.TableFamilyINet}
	c.AddTable(table) // so that there is one to delete
	c.DelTable(table)
	c.AddTable(table)
	if short {
		for _, t := range timeouts {
			c.AddObj(t.object(table))
		}
	}
	accept := nftables.ChainPolicyAccept
	for _, want := range chains {
		added := c.AddChain(&nftables.Chain{
			Table: table, Name: want.name, Type: want.kind,
			Hooknum: &want.hook, Priority: &want.priority, Policy: &accept,
		})
		for _, exprs := range want.rules {
			c.AddRule(&nftables.Rule{Table: table, Chain: added, Exprs: exprs})
		}
	}
	return c.Flush()
}

// verify reads the table back and returns an error if it differs.
func verify(c *nftables.Conn, chains []chain) error {
	all, err := c.ListChainsOfTableFamily(nftables.TableFamilyINet)
	if err != nil {
		return err
	}
	got := make(map[string]string)
	for _, ch := range all {
		if ch.Table.Name != tableName {
			continue
		}
		if got[ch.Name], err = textOf(c, ch); err != nil {
			return err
		}
	}
	if len(got) != len(chains) {
		return fmt.Errorf("the table has %d chains, want %d", len(got), len(chains))
	}
	for _, want := range chains {
		if text := want.text(); got[want.name] != text {
			return fmt.Errorf("chain %s is %s, want %s", want.name, got[want.name], text)
		}
	}
	return nil
}

// textOf returns the text of a chain as the kernel has it.
func textOf(c *nftables.Conn, ch *nftables.Chain) (string, error) {
	rules, err := c.GetRules(ch.Table, ch)
	if err != nil {
		return "", err
	}
	if ch.Hooknum == nil || ch.Priority == nil || ch.Policy == nil || *ch.Policy != nftables.ChainPolicyAccept {
		return "without hook or policy", nil
	}
	read := chain{name: ch.Name, kind: ch.Type, hook: *ch.Hooknum, priority: *ch.Priority}
	for _, r := range rules {
		read.rules = append(read.rules, r.Exprs)
	}
	return read.text(), nil
}

// text returns everything about a chain but its name, for comparison.
func (c *chain) text() string {
	text := fmt.Sprintf("type %s hook %d priority %d {", c.kind, c.hook, c.priority)
	for _, exprs := range c.rules {
		for _, e := range exprs {
			text += fmt.Sprintf(" %T%+v", e, e)
		}
		text += ";"
	}
	return text + " }"
}
