package sockdiag

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"net/netip"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"
)

// message is an inet_diag_msg of a listener at 127.0.0.1:8080 with 3 connections in a backlog of
// 128.
func message(attributes ...byte) []byte {
	b := make([]byte, messageSize)
	b[0], b[1] = familyIPv4, byte(Listen)
	binary.BigEndian.PutUint16(b[4:], 8080)
	copy(b[8:], []byte{127, 0, 0, 1})
	binary.NativeEndian.PutUint32(b[56:], 3)
	binary.NativeEndian.PutUint32(b[60:], 128)
	binary.NativeEndian.PutUint32(b[68:], 4711)
	return append(b, attributes...)
}

func attribute(kind uint16, value ...byte) []byte {
	b := binary.NativeEndian.AppendUint16(nil, uint16(attributeHeader+len(value)))
	b = binary.NativeEndian.AppendUint16(b, kind)
	b = append(b, value...)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

func TestParseMessage(t *testing.T) {
	info := make([]byte, infoSize)
	binary.NativeEndian.PutUint32(info[infoLastDataReceived:], 1500)
	binary.NativeEndian.PutUint32(info[infoLastDataSent:], 700)
	binary.NativeEndian.PutUint64(info[infoBytesReceived:], 9)
	binary.NativeEndian.PutUint32(info[infoDataSegmentsReceived:], 2)
	binary.NativeEndian.PutUint32(info[infoDataSegmentsSent:], 3)
	attributes := append(attribute(99, 1, 2, 3), attribute(attributeIPv6Only, 1)...)
	s, err := parseMessage(message(append(attributes, attribute(attributeInfo, info...)...)...))
	want := socket{
		state: Listen, local: netip.MustParseAddrPort("127.0.0.1:8080"), remote: netip.MustParseAddrPort("0.0.0.0:0"),
		receiveQueue: 3, sendQueue: 128, inode: 4711, ipv6Only: true,
		measured: true,
		info: Info{
			LastDataSent: 700 * time.Millisecond, LastDataReceived: 1500 * time.Millisecond,
			BytesReceived: 9, DataSegmentsReceived: 2, DataSegmentsSent: 3,
		},
	}
	if err != nil || !reflect.DeepEqual(s, want) {
		t.Errorf("parsed %+v, %v; want %+v", s, err, want)
	}
}

func TestParseMessage_TheInfoOfAnOldKernelIsLeftOut(t *testing.T) {
	s, err := parseMessage(message(attribute(attributeInfo, make([]byte, infoSize-8)...)...))
	if err != nil || s.measured {
		t.Errorf("info %v, %v; want none", s.info, err)
	}
}

func TestParseMessage_RefusesWhatIsMalformed(t *testing.T) {
	for name, b := range map[string][]byte{
		"nothing":                              nil,
		"too short":                            message()[:messageSize-1],
		"another family":                       append([]byte{1}, message()[1:]...),
		"an attribute shorter than its header": message(3, 0, 2, 0),
		"an attribute longer than the message": message(200, 0, 2, 0, 1, 1, 1, 1),
	} {
		if s, err := parseMessage(b); err != errMalformed {
			t.Errorf("%s: parsed %+v, %v; want it refused", name, s, err)
		}
	}
}

func TestListener_Accepts(t *testing.T) {
	for _, test := range []struct {
		listener string
		v6Only   bool
		to       string
		want     bool
	}{
		{"127.0.0.1:80", false, "127.0.0.1:80", true},
		{"127.0.0.1:80", false, "127.0.0.1:81", false},
		{"127.0.0.1:80", false, "127.0.0.2:80", false},
		{"0.0.0.0:80", false, "127.0.0.1:80", true},
		{"0.0.0.0:80", false, "[::ffff:127.0.0.1]:80", true},
		{"0.0.0.0:80", false, "[::1]:80", false},
		{"[::]:80", false, "127.0.0.1:80", true},
		{"[::]:80", false, "[::1]:80", true},
		{"[::]:80", true, "[::1]:80", true},
		{"[::]:80", true, "127.0.0.1:80", false},
		{"[::]:80", true, "[::ffff:127.0.0.1]:80", false},
		{"[::1]:80", false, "[::1]:80", true},
		{"[::1]:80", false, "127.0.0.1:80", false},
		{"[::ffff:127.0.0.1]:80", false, "127.0.0.1:80", true},
		{"[fe80::1]:80", false, "[fe80::1%eth0]:80", true},
	} {
		l := Listener{Address: netip.MustParseAddrPort(test.listener), IPv6Only: test.v6Only}
		if got := l.Accepts(netip.MustParseAddrPort(test.to)); got != test.want {
			t.Errorf("%+v accepts %s: %v, want %v", l, test.to, got, test.want)
		}
	}
}

// table is /proc/net/tcp6 of a little-endian machine.
const table = `  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000000000000000000000000000:1F90 00000000000000000000000000000000:0000 0A 00000000:00000005 00:00000000 00000000     0        0 10321 2 0000000000000000 100 0 0 10 0
   1: 0000000000000000FFFF00000100007F:1F90 0000000000000000FFFF00000100007F:D431 01 00000010:00000020 00:00000000 00000000     0        0 0 1 0000000000000000 20 4 30 10 -1
`

func TestParseTable(t *testing.T) {
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		t.Skip("the table is one of a little-endian machine")
	}
	listeners, err := tableOf(strings.NewReader(table), query{states: states(Listen), ports: []uint16{8080}})
	want := []socket{{
		state: Listen, local: netip.MustParseAddrPort("[::]:8080"), remote: netip.MustParseAddrPort("[::]:0"),
		receiveQueue: 5, inode: 10321,
	}}
	if err != nil || !reflect.DeepEqual(listeners, want) {
		t.Errorf("listeners %+v, %v; want %+v", listeners, err, want)
	}
	established, err := tableOf(strings.NewReader(table), query{states: states(Established)})
	want = []socket{{
		state: Established, local: netip.MustParseAddrPort("[::ffff:127.0.0.1]:8080"),
		remote: netip.MustParseAddrPort("[::ffff:127.0.0.1]:54321"), sendQueue: 16, receiveQueue: 32,
	}}
	if err != nil || !reflect.DeepEqual(established, want) {
		t.Errorf("established %+v, %v; want %+v", established, err, want)
	}
}

func tableOf(r io.Reader, q query) (sockets []socket, err error) {
	err = parseTable(r, q, func(s *socket) { sockets = append(sockets, *s) })
	return sockets, err
}

func TestParsePassiveOpens(t *testing.T) {
	const table = "Ip: Forwarding\nIp: 1\nTcp: RtoMin ActiveOpens PassiveOpens MaxConn\nTcp: 200 7 4711 -1\n" +
		"Udp: InDatagrams\nUdp: 5\n"
	if n, err := parsePassiveOpens(table); n != 4711 || err != nil {
		t.Errorf("%d, %v; want 4711", n, err)
	}
	for _, table := range []string{
		"", "Tcp: PassiveOpens\n", "Tcp: RtoMin\nTcp: 1\n", "Tcp: RtoMin PassiveOpens\nTcp: 1\n",
		"Tcp: PassiveOpens\nTcp: -1\n",
	} {
		if n, err := parsePassiveOpens(table); err == nil {
			t.Errorf("%q was parsed as %d, want an error", table, n)
		}
	}
}

func FuzzParseMessage(f *testing.F) {
	f.Add(message())
	f.Add(message(attribute(attributeIPv6Only, 1)...))
	f.Add(message(attribute(attributeInfo, make([]byte, infoSize)...)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := parseMessage(b)
		if err == nil && !s.local.IsValid() {
			t.Errorf("%s is parsed as %+v", hex.EncodeToString(b), s)
		}
	})
}

func FuzzParseTable(f *testing.F) {
	f.Add(table)
	f.Fuzz(func(t *testing.T, s string) {
		sockets, _ := tableOf(strings.NewReader(s), query{states: states(Listen)})
		for _, s := range sockets {
			if s.state != Listen || !s.local.IsValid() {
				t.Errorf("parsed %+v, which is not a listener", s)
			}
		}
	})
}

// datagram is the kernel's report of the end of a connection at port 8080.
func datagram(bodies ...[]byte) (b []byte) {
	for _, body := range bodies {
		b = binary.NativeEndian.AppendUint32(b, uint32(headerSize+len(body)))
		b = binary.NativeEndian.AppendUint16(b, byFamily)
		b = append(b, make([]byte, headerSize-6)...)
		b = append(b, body...)
	}
	return b
}

func TestParseEnds_LeavesListenersOut(t *testing.T) {
	connection := message()
	copy(connection[24:], []byte{192, 0, 2, 1})
	var found []netip.Addr
	err := parseEnds(datagram(message(), connection, message()), func(c *Connection) {
		found = append(found, c.Remote.Addr())
	})
	if err != nil || len(found) != 1 || found[0] != netip.MustParseAddr("192.0.2.1") {
		t.Errorf("found %v, %v; want the one that has a remote address", found, err)
	}
}

func TestEachMessage_RefusesWhatIsMalformed(t *testing.T) {
	long := datagram(message())
	long[0]++
	short := datagram(nil)
	short[0] = headerSize - 1
	other := datagram(message())
	other[8] = 1
	for name, b := range map[string][]byte{"too long": long, "too short": short, "another answer": other} {
		if done, err := eachMessage(b, 2, func([]byte) error { return nil }); !done || err != errMalformed {
			t.Errorf("%s: done %v, %v; want it refused", name, done, err)
		}
	}
}

func TestEachMessage_ReportsTheKernelsError(t *testing.T) {
	for code, want := range map[int32]error{0: nil, -int32(syscall.EPERM): syscall.EPERM} {
		b := datagram(binary.NativeEndian.AppendUint32(nil, uint32(code)))
		binary.NativeEndian.PutUint16(b[4:], typeDone)
		done, err := eachMessage(b, anySequence, func([]byte) error { return nil })
		if !done || !errors.Is(err, want) {
			t.Errorf("an answer that ends with %d: done %v, %v; want %v", code, done, err, want)
		}
	}
}

func FuzzParseEnds(f *testing.F) {
	f.Add(datagram(message()))
	f.Add(datagram(message(attribute(attributeInfo, make([]byte, infoSize)...)...), message()))
	f.Fuzz(func(t *testing.T, b []byte) {
		_ = parseEnds(b, func(c *Connection) {
			if !c.Local.IsValid() || c.Remote.Addr().IsUnspecified() {
				t.Errorf("%s has the connection %+v", hex.EncodeToString(b), c)
			}
		})
	})
}
