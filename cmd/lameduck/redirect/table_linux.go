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

// A chain is one of the table, with the expressions of its rules.
type chain struct {
	name     string
	hook     nftables.ChainHook
	priority nftables.ChainPriority
	rules    [][]expr.Any
}

// chains returns what the table has to have.
func (r *Rules) chains() []chain {
	inbound := chain{
		name: "inbound", hook: *nftables.ChainHookPrerouting, priority: *nftables.ChainPriorityNATDest,
		rules: [][]expr.Any{append(interfaceIs(expr.MetaKeyIIFNAME, "lo"), &expr.Verdict{Kind: expr.VerdictReturn})},
	}
	for _, p := range append(append([]Redirect{}, r.Ports...), r.Direct...) {
		inbound.rules = append(inbound.rules, join(tcpPortIs(p.From), addressIsLocal(), redirectTo(p.To)))
	}
	if r.Mesh == nil {
		return []chain{inbound}
	}
	inbound.priority = behind
	meshed := chain{name: "meshed", hook: *nftables.ChainHookOutput, priority: behind}
	for _, p := range r.Ports {
		meshed.rules = append(meshed.rules,
			join(interfaceIs(expr.MetaKeyOIFNAME, "lo"), userIs(*r.Mesh), tcpPortIs(p.From), redirectTo(p.To)))
	}
	return []chain{inbound, meshed}
}

func join(parts ...[]expr.Any) (all []expr.Any) {
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

// is returns expressions that go on if register 1 has a value.
func is(value []byte) expr.Any { return &expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: value} }

func interfaceIs(key expr.MetaKey, name string) []expr.Any {
	padded := make([]byte, unix.IFNAMSIZ)
	copy(padded, name)
	return []expr.Any{&expr.Meta{Key: key, Register: 1}, is(padded)}
}

func userIs(id uint32) []expr.Any {
	return []expr.Any{&expr.Meta{Key: expr.MetaKeySKUID, Register: 1}, is(binaryutil.NativeEndian.PutUint32(id))}
}

func tcpPortIs(port uint16) []expr.Any {
	return []expr.Any{
		&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: 1}, is([]byte{unix.IPPROTO_TCP}),
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseTransportHeader, Offset: 2, Len: 2},
		is(binaryutil.BigEndian.PutUint16(port)),
	}
}

// addressIsLocal goes on if the destination is an address of this network namespace.
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
func write(c *nftables.Conn, chains []chain) error {
	table := &nftables.Table{Name: tableName, Family: nftables.TableFamilyINet}
	c.AddTable(table) // so that there is one to delete
	c.DelTable(table)
	c.AddTable(table)
	accept := nftables.ChainPolicyAccept
	for _, want := range chains {
		added := c.AddChain(&nftables.Chain{
			Table: table, Name: want.name, Type: nftables.ChainTypeNAT,
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

// textOf returns the text of a chain of the kernel's.
func textOf(c *nftables.Conn, ch *nftables.Chain) (string, error) {
	rules, err := c.GetRules(ch.Table, ch)
	if err != nil {
		return "", err
	}
	if ch.Hooknum == nil || ch.Priority == nil || ch.Policy == nil || *ch.Policy != nftables.ChainPolicyAccept ||
		ch.Type != nftables.ChainTypeNAT {
		return fmt.Sprintf("of type %q, without hook or policy", ch.Type), nil
	}
	read := chain{name: ch.Name, hook: *ch.Hooknum, priority: *ch.Priority}
	for _, r := range rules {
		read.rules = append(read.rules, r.Exprs)
	}
	return read.text(), nil
}

// text returns everything about a chain but its name, to be compared.
func (c *chain) text() string {
	text := fmt.Sprintf("hook %d priority %d {", c.hook, c.priority)
	for _, exprs := range c.rules {
		for _, e := range exprs {
			text += fmt.Sprintf(" %T%+v", e, e)
		}
		text += ";"
	}
	return text + " }"
}
