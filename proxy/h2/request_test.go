package h2

import (
	"bytes"
	"strings"
	"testing"

	reference "golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// A field is a field of a request. The reference implementation chooses its form, unless it
// is sensitive: then it is never indexed.
type field = hpack.HeaderField

// block returns a field block.
func block(tableSize uint32, fields ...field) []byte {
	var b bytes.Buffer
	e := hpack.NewEncoder(&b)
	e.SetMaxDynamicTableSizeLimit(1 << 16)
	if tableSize > 0 {
		e.SetMaxDynamicTableSize(tableSize)
	}
	for _, f := range fields {
		if err := e.WriteField(f); err != nil {
			panic(err)
		}
	}
	return b.Bytes()
}

// headers returns a HEADERS frame.
func headers(block []byte) []byte {
	return headersWith(reference.HeadersFrameParam{BlockFragment: block})
}

func headersWith(p reference.HeadersFrameParam) []byte {
	p.StreamID, p.EndHeaders = 1, true
	return written(func(f *reference.Framer) error { return f.WriteHeaders(p) })
}

var common = []field{{Name: ":method", Value: "GET"}, {Name: ":scheme", Value: "http"}, {Name: ":authority", Value: "a"}}

func TestFirstRequest(t *testing.T) {
	const agent = "ELB-HealthChecker/2.0"
	for name, test := range map[string]struct {
		fields []field
		want   Request
	}{
		"the root":            {[]field{{Name: ":path", Value: "/"}}, Request{Path: "/"}},
		"an index":            {[]field{{Name: ":path", Value: "/index.html"}}, Request{Path: "/index.html"}},
		"a path":              {[]field{{Name: ":path", Value: "/grpc.health.v1.Health/Check"}}, Request{Path: "/grpc.health.v1.Health/Check"}},
		"a health checker":    {[]field{{Name: "user-agent", Value: agent}}, Request{UserAgent: agent}},
		"a sensitive agent":   {[]field{{Name: "user-agent", Value: agent, Sensitive: true}}, Request{UserAgent: agent}},
		"X-Forwarded-For":     {[]field{{Name: "x-forwarded-for", Value: "192.0.2.1"}}, Request{Proxied: true}},
		"Forwarded":           {[]field{{Name: "forwarded", Value: "for=192.0.2.1"}}, Request{Proxied: true}},
		"Via":                 {[]field{{Name: "via", Value: "2 a"}}, Request{Proxied: true}},
		"Via without a value": {[]field{{Name: "via"}}, Request{Proxied: true}},
		"X-Amzn-Trace-Id":     {[]field{{Name: "x-amzn-trace-id", Value: "Root=1"}}, Request{Proxied: true}},
		"twice":               {[]field{{Name: "via", Value: "2 a"}, {Name: "via", Value: "2 a"}, {Name: "user-agent", Value: agent}}, Request{Proxied: true, UserAgent: agent}},
		"no such field":       {[]field{{Name: "x-forwarded-foo", Value: "via"}, {Name: "x", Value: "forwarded"}}, Request{}},
		"a long agent":        {[]field{{Name: "user-agent", Value: strings.Repeat("~", 2*maxValue)}}, Request{}},
	} {
		t.Run(name, func(t *testing.T) {
			test.want.Known = true
			for _, size := range []uint32{0, 1, 1 << 15} {
				b := block(size, append(common[:3:3], test.fields...)...)
				for form, frame := range map[string][]byte{
					"plain":    headers(b),
					"padded":   headersWith(reference.HeadersFrameParam{BlockFragment: b, PadLength: 200}),
					"priority": headersWith(reference.HeadersFrameParam{BlockFragment: b, Priority: reference.PriorityParam{StreamDep: 3, Weight: 9}}),
				} {
					if got := FirstRequest(append(frame, "more"...)); got != test.want {
						t.Errorf("%s, table of %d: %+v, want %+v", form, size, got, test.want)
					}
				}
			}
		})
	}
}

// If a block cannot be decoded, its request is unknown.
func TestFirstRequest_MalformedBlocksAreUnknown(t *testing.T) {
	via := block(0, field{Name: "via", Value: "2 a"})
	for name, frame := range map[string][]byte{
		"a block with CONTINUATION": written(func(f *reference.Framer) error {
			return f.WriteHeaders(reference.HeadersFrameParam{StreamID: 1, BlockFragment: via})
		}),
		"a value that is cut":             headers(via[:len(via)-1]),
		"a name that is cut":              headers([]byte{0x40, 5, 'v'}),
		"a length that is cut":            headers([]byte{0x40, 0x7f}),
		"a length that overflows":         headers([]byte{0x40, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}),
		"an index that is cut":            headers([]byte{0xff}),
		"padding as long as the frame":    []byte("\x00\x00\x02\x01\x0c\x00\x00\x00\x01\x02\x82"),
		"padding without a length":        []byte("\x00\x00\x00\x01\x0c\x00\x00\x00\x01"),
		"a priority that is cut":          []byte("\x00\x00\x04\x01\x24\x00\x00\x00\x01\x00\x00\x00\x00"),
		"a field, and then a cut integer": headers(append(bytes.Clone(via), 0x3f)),
	} {
		if got := FirstRequest(frame); got != (Request{}) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// FuzzFirstRequest compares with the reference implementation, and writes fields in all forms.
func FuzzFirstRequest(f *testing.F) {
	f.Add(block(0, common...))
	f.Add(block(99, field{Name: "via", Value: "2 a"}, field{Name: "user-agent", Value: "x", Sensitive: true}))
	f.Add(block(0, field{Name: "x-forwarded-for", Value: "a"}, field{Name: "x-forwarded-for", Value: "a"}))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 1<<14 {
			t.Skip()
		}
		got := FirstRequest(headers(b))
		if all := NewRequestReader().Read(headers(b)); all.Known && got.Known && all.Proxied != got.Proxied {
			t.Errorf("%q: proxied %t as the first request, %t as one of all", b, got.Proxied, all.Proxied)
		}
		want := Request{Known: true}
		d := hpack.NewDecoder(4096, func(f field) {
			switch f.Name {
			case ":path":
				want.Path = f.Value
			case "user-agent":
				want.UserAgent = f.Value
			case "via", "forwarded", "x-forwarded-for", "x-amzn-trace-id":
				want.Proxied = true
			}
		})
		if _, err := d.Write(b); err != nil || d.Close() != nil {
			return // it only must not panic
		}
		if got.Path == "" || got.UserAgent == "" { // values of the dynamic table and long values are not decoded
			want.Path, want.UserAgent, got.Path, got.UserAgent = "", "", "", ""
		}
		if got != want {
			t.Errorf("%q: %+v, the reference reads %+v", b, got, want)
		}
	})
}

// Fields of later requests refer to fields of earlier ones.
func TestRequestReader(t *testing.T) {
	var b bytes.Buffer
	e := hpack.NewEncoder(&b)
	e.SetMaxDynamicTableSizeLimit(1 << 15)
	r := NewRequestReader()
	for i, test := range []struct {
		fields []field
		want   Request
	}{
		{[]field{{Name: ":path", Value: "/a"}, {Name: "user-agent", Value: "Envoy/HC"}}, Request{Path: "/a", UserAgent: "Envoy/HC"}},
		{[]field{{Name: ":path", Value: "/a"}, {Name: "user-agent", Value: "Envoy/HC"}}, Request{Path: "/a", UserAgent: "Envoy/HC"}},
		{[]field{{Name: ":path", Value: "/b"}, {Name: "user-agent", Value: "curl/8"}, {Name: "via", Value: "2 a"}}, Request{Path: "/b", UserAgent: "curl/8", Proxied: true}},
		{[]field{{Name: ":path", Value: "/" + strings.Repeat("a", maxValue)}, {Name: "via", Value: "2 a"}}, Request{Proxied: true}},
		{[]field{{Name: ":path", Value: "/a"}, {Name: "user-agent", Value: "curl/8"}}, Request{Path: "/a", UserAgent: "curl/8"}},
	} {
		b.Reset()
		e.SetMaxDynamicTableSize(uint32(4096 << (i % 3)))
		for _, f := range test.fields {
			if err := e.WriteField(f); err != nil {
				t.Fatal(err)
			}
		}
		test.want.Known = true
		if got := r.Read(headers(b.Bytes())); got != test.want {
			t.Errorf("request %d: %+v, want %+v", i, got, test.want)
		}
	}
	for name, frame := range map[string][]byte{
		"a part of the frame":          headers(block(0, common...))[:HeaderSize+1],
		"a block that ends in a field": headers([]byte{0x40, 5, 'v'}),
		"an index that is not there":   headers([]byte{0xff, 0x7f}),
		"a table that is too large":    headers([]byte{0x3f, 0xff, 0xff, 0xff, 0x7f}),
		"padding as long as the frame": []byte("\x00\x00\x02\x01\x0c\x00\x00\x00\x01\x02\x82"),
	} {
		if got := NewRequestReader().Read(frame); got != (Request{}) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
