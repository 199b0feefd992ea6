package ws

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
)

func TestParseHeader(t *testing.T) {
	for name, test := range map[string]struct {
		bytes string
		want  Header
	}{
		"a text":                     {"\x81\x05hello", Header{Size: 2, Length: 5, Opcode: 1, Fin: true}},
		"nothing in it":              {"\x82\x00", Header{Size: 2, Opcode: 2, Fin: true}},
		"the first part of several":  {"\x01\x03", Header{Size: 2, Length: 3, Opcode: 1}},
		"a further part":             {"\x00\x03", Header{Size: 2, Length: 3, Opcode: Continuation}},
		"masked":                     {"\x81\x85abcd", Header{Size: 6, Length: 5, Opcode: 1, Fin: true}},
		"126 bytes":                  {"\x82\x7e\x00\x7e", Header{Size: 4, Length: 126, Opcode: 2, Fin: true}},
		"64 KiB":                     {"\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00", Header{Size: 10, Length: 64 << 10, Opcode: 2, Fin: true}},
		"masked and long":            {"\x82\xff\x00\x00\x00\x00\x00\x01\x00\x00abcd", Header{Size: 14, Length: 64 << 10, Opcode: 2, Fin: true}},
		"as long as can be":          {"\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff", Header{Size: 10, Length: 1<<63 - 1, Opcode: 2, Fin: true}},
		"compressed":                 {"\xc1\x05hello", Header{Size: 2, Length: 5, Opcode: 1, Fin: true}},
		"a ping":                     {"\x89\x00", Header{Size: 2, Opcode: 9, Fin: true}},
		"a close frame":              {"\x88\x02\x03\xe9", Header{Size: 2, Length: 2, Opcode: Close, Fin: true}},
		"nothing":                    {"", Header{}},
		"one byte":                   {"\x81", Header{}},
		"without its masking key":    {"\x81\x85abc", Header{}},
		"without its length":         {"\x82\x7e\x00", Header{}},
		"without its longer length":  {"\x82\x7f\x00\x00\x00\x00\x00\x01\x00", Header{}},
		"long, without its mask key": {"\x82\xfe\x01\x00abc", Header{}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ParseHeader([]byte(test.bytes))
			if err != nil || got != test.want {
				t.Errorf("%+v, error %v; want %+v", got, err, test.want)
			}
		})
	}
}

func TestImpossibleLengthsAreRefused(t *testing.T) {
	for name, b := range map[string]string{
		"more than 63 bits":                    "\x82\x7f\x80\x00\x00\x00\x00\x00\x00\x00",
		"a control frame with 126 bytes":       "\x89\x7e",
		"a control frame with a 64-bit length": "\x88\xff",
	} {
		if h, err := ParseHeader([]byte(b)); err != ErrLength {
			t.Errorf("%s: %+v, error %v; want ErrLength", name, h, err)
		}
	}
}

func TestMessages(t *testing.T) {
	for frames, want := range map[string]bool{
		"":                  true,
		"whole":             true,
		"first":             false,
		"first more":        false,
		"first last":        true,
		"first ping":        false,
		"first ping last":   true,
		"whole ping":        true,
		"first more last":   true,
		"first last first":  false,
		"whole close":       true,
		"first close":       false,
		"first last whole ": true,
	} {
		kinds := map[string]Header{
			"whole": {Opcode: 1, Fin: true}, "first": {Opcode: 2}, "more": {}, "last": {Fin: true},
			"ping": {Opcode: 9, Fin: true}, "close": {Opcode: Close, Fin: true},
		}
		var m Messages
		for name := range strings.FieldsSeq(frames) {
			m.Next(kinds[name])
		}
		if got := m.Between(); got != want {
			t.Errorf("after %q: between two messages: %v, want %v", frames, got, want)
		}
	}
}

func TestCloseFrames(t *testing.T) {
	if got := AppendClose([]byte("x"), GoingAway); string(got) != "x\x88\x02\x03\xe9" {
		t.Errorf("a server's close frame is %x", got)
	}
	got := AppendMaskedClose(nil, GoingAway, [4]byte{1, 2, 3, 4})
	if string(got) != "\x88\x82\x01\x02\x03\x04\x02\xeb" {
		t.Errorf("a client's close frame is %x", got)
	}
	for _, b := range [][]byte{AppendClose(nil, GoingAway), got} {
		if h, err := ParseHeader(b); err != nil || h.Opcode != Close || !h.Fin || h.Size+int(h.Length) != len(b) {
			t.Errorf("%x was parsed as %+v, error %v", b, h, err)
		}
	}
}

// A header that is parsed and written again is the same, except that the length may have had a
// longer encoding.
func FuzzHeader(f *testing.F) {
	f.Add([]byte("\x81\x85abcdhello"))
	f.Add([]byte("\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := ParseHeader(b)
		if err != nil || h.Size == 0 {
			for n := range b { // and no prefix gives another result
				if part, _ := ParseHeader(b[:n]); part.Size > 0 {
					t.Fatalf("%x is not a header, but its first %d bytes are", b, n)
				}
			}
			return
		}
		again := []byte{b[0], b[1]}
		switch b[1] & 0x7f {
		case 126:
			again = binary.BigEndian.AppendUint16(again, uint16(h.Length))
		case 127:
			again = binary.BigEndian.AppendUint64(again, uint64(h.Length))
		}
		if !bytes.HasPrefix(b, again) || h.Size != len(again)+int(b[1]>>7)*4 {
			t.Errorf("%x was parsed as %+v", b, h)
		}
	})
}
