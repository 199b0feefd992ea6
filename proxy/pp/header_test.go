package pp

import (
	"strings"
	"testing"
)

const (
	v1 = "PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n"
	v2 = "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\xc0\x00\x02\x01\xc0\x00\x02\x02\xdc\x04\x01\xbb"
)

func TestSize(t *testing.T) {
	for name, test := range map[string]struct {
		bytes string
		size  int
		ok    bool
	}{
		"version 1":                  {v1 + "GET /", len(v1), true},
		"version 1, unknown":         {"PROXY UNKNOWN\r\n", 15, true},
		"version 1, longest":         {"PROXY " + strings.Repeat("x", 99) + "\r\n", 107, true},
		"version 1, too long":        {"PROXY " + strings.Repeat("x", 100) + "\r\n", 0, true},
		"version 1, endless":         {"PROXY " + strings.Repeat("x", 101), 0, true},
		"version 1, a part":          {v1[:20], 0, false},
		"version 1, without LF":      {v1[:len(v1)-1], 0, false},
		"version 2":                  {v2 + "GET /", len(v2), true},
		"version 2, local":           {v2[:12] + "\x20\x00\x00\x00", 16, true},
		"version 2, a part":          {v2[:20], len(v2), true},
		"version 2, its signature":   {v2[:12], 0, false},
		"version 2, but the length":  {v2[:15], 0, false},
		"version 2, longest":         {v2[:14] + "\xff\xff" + strings.Repeat("x", 65535), 16 + 65535, true},
		"of version 3":               {v2[:12] + "\x31\x11\x00\x0c" + v2[16:], 0, true},
		"nothing":                    {"", 0, false},
		"a request":                  {"GET / HTTP/1.1\r\n", 0, true},
		"a request that begins like": {"PROXYX / HTTP/1.1\r\n", 0, true},
		"empty lines":                {"\r\n\r\nGET /", 0, true},
	} {
		if size, ok := Size([]byte(test.bytes)); size != test.size || ok != test.ok {
			t.Errorf("%s: %d, %v; want %d, %v", name, size, ok, test.size, test.ok)
		}
	}
}

// Once some bytes decide the result, further bytes do not change it.
func FuzzSize(f *testing.F) {
	f.Add([]byte(v1))
	f.Add([]byte(v2))
	f.Fuzz(func(t *testing.T, b []byte) {
		size, ok := Size(b)
		for n := range b {
			part, settled := Size(b[:n])
			if settled && (!ok || part != size) {
				t.Fatalf("the header of %[1]q has %[4]d bytes, but %[2]d by its first %[3]d", b, part, n, size)
			}
		}
	})
}
