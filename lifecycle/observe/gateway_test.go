package observe

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
)

func TestGateways_AreThoseOfTheDefaultRoutes(t *testing.T) {
	const table4 = `Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
eth0	00000000	0100F40A	0003	0	0	0	00000000	0	0	0
eth0	0000F40A	0100F40A	0003	0	0	0	00FFFFFF	0	0	0
eth0	0100F40A	00000000	0005	0	0	0	FFFFFFFF	0	0	0
lo	00000000	00000000	0001	0	0	0	00000000	0	0	0
eth0	00000000	01
`
	const table6 = `fd002e000000000000000000000000f1 80 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth0
00000000000000000000000000000000 00 00000000000000000000000000000000 00 fd002e00000000000000000000000001 00000400 00000001 00000000 00000003     eth0
00000000000000000000000000000000 00 00000000000000000000000000000000 00 00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo
`
	for _, test := range []struct {
		table string
		parse func([]string) netip.Addr
		want  string
	}{{table4, gateway4, "10.244.0.1"}, {table6, gateway6, "fd00:2e00::1"}} {
		if got := gateways(strings.NewReader(test.table), test.parse); !slices.Equal(got, []netip.Addr{netip.MustParseAddr(test.want)}) {
			t.Errorf("gateways %v, want only %s", got, test.want)
		}
	}
}
