package h2

import (
	"bytes"
	"testing"

	reference "golang.org/x/net/http2"
)

// written returns the bytes that the reference implementation writes.
func written(write func(f *reference.Framer) error) []byte {
	var b bytes.Buffer
	f := reference.NewFramer(&b, nil)
	f.AllowIllegalWrites = true
	if err := write(f); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func TestParseHeader(t *testing.T) {
	for name, test := range map[string]struct {
		frame      []byte
		want       Header
		end, block bool
	}{
		"DATA":          {written(func(f *reference.Framer) error { return f.WriteData(5, false, make([]byte, 300)) }), Header{Length: 300, Type: Data, Stream: 5}, false, false},
		"the last DATA": {written(func(f *reference.Framer) error { return f.WriteData(5, true, nil) }), Header{Type: Data, Flags: 1, Stream: 5}, true, false},
		"the last HEADERS": {written(func(f *reference.Framer) error {
			return f.WriteHeaders(reference.HeadersFrameParam{StreamID: 7, EndStream: true, EndHeaders: true})
		}), Header{Type: Headers, Flags: 5, Stream: 7}, true, false},
		"HEADERS that go on":    {written(func(f *reference.Framer) error { return f.WriteHeaders(reference.HeadersFrameParam{StreamID: 7}) }), Header{Type: Headers, Stream: 7}, false, true},
		"CONTINUATION":          {written(func(f *reference.Framer) error { return f.WriteContinuation(7, false, []byte("x")) }), Header{Length: 1, Type: Continuation, Stream: 7}, false, true},
		"the last CONTINUATION": {written(func(f *reference.Framer) error { return f.WriteContinuation(7, true, nil) }), Header{Type: Continuation, Flags: 4, Stream: 7}, false, false},
		"PUSH_PROMISE with CONTINUATION": {written(func(f *reference.Framer) error {
			return f.WritePushPromise(reference.PushPromiseParam{StreamID: 1, PromiseID: 2})
		}), Header{Length: 4, Type: PushPromise, Stream: 1}, false, true},
		"a SETTINGS answer":             {written(func(f *reference.Framer) error { return f.WriteSettingsAck() }), Header{Type: Settings, Flags: 1}, false, false},
		"the reserved bit is no number": {[]byte("\x00\x00\x00\x08\x00\x80\x00\x00\x01"), Header{Type: 8, Stream: 1}, false, false},
		"the highest numbers":           {[]byte("\xff\xff\xff\xff\xff\xff\xff\xff\xff"), Header{Length: 1<<24 - 1, Type: 0xff, Flags: 0xff, Stream: MaxStream}, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := ParseHeader(test.frame)
			if !ok || got != test.want {
				t.Errorf("%+v, %v; want %+v", got, ok, test.want)
			}
			if got.EndStream() != test.end || got.OpensBlock() != test.block {
				t.Errorf("ends the stream: %v, opens a block: %v; want %v, %v", got.EndStream(), got.OpensBlock(), test.end, test.block)
			}
			if _, ok := ParseHeader(test.frame[:HeaderSize-1]); ok {
				t.Error("a part of the frame was taken for the whole")
			}
		})
	}
}

func TestPingAck(t *testing.T) {
	for name, test := range map[string]struct {
		frame string
		want  bool
	}{
		"an answer":             {"\x00\x00\x08\x06\x01\x00\x00\x00\x00", true},
		"a question":            {"\x00\x00\x08\x06\x00\x00\x00\x00\x00", false},
		"one of another length": {"\x00\x00\x07\x06\x01\x00\x00\x00\x00", false},
		"an answer to SETTINGS": {"\x00\x00\x08\x04\x01\x00\x00\x00\x00", false},
	} {
		if h, _ := ParseHeader([]byte(test.frame)); h.PingAck() != test.want {
			t.Errorf("%s: %v", name, h.PingAck())
		}
	}
}

func TestPromisedStream(t *testing.T) {
	promise := func(p reference.PushPromiseParam) string {
		return string(written(func(f *reference.Framer) error { return f.WritePushPromise(p) }))
	}
	for name, test := range map[string]struct {
		frame      string
		size, want int
	}{
		"a promise":            {promise(reference.PushPromiseParam{StreamID: 1, PromiseID: 2, BlockFragment: []byte("block")}), 13, 2},
		"one with padding":     {promise(reference.PushPromiseParam{StreamID: 1, PromiseID: 6, BlockFragment: []byte("b"), PadLength: 9}), 14, 6},
		"the highest":          {promise(reference.PushPromiseParam{StreamID: 1, PromiseID: MaxStream}), 13, MaxStream},
		"too short":            {"\x00\x00\x03\x05\x00\x00\x00\x00\x01\x00\x00\x00", 12, 0},
		"too short for padded": {"\x00\x00\x04\x05\x08\x00\x00\x00\x01\x00\x00\x00\x02", 13, 0},
	} {
		h, _ := ParseHeader([]byte(test.frame))
		if size := h.PromiseSize(); size != test.size {
			t.Errorf("%s: the first %d bytes hold it, want %d", name, size, test.size)
		}
		if got := PromisedStream([]byte(test.frame[:test.size])); got != uint32(test.want) {
			t.Errorf("%s: stream %d, want %d", name, got, test.want)
		}
	}
}

func TestFramesOfOurs(t *testing.T) {
	data := [8]byte{1, 2, 3, 4, 5, 6, 7, 8}
	ping := AppendPing([]byte("x"), data)
	if want := "x" + string(written(func(f *reference.Framer) error { return f.WritePing(false, data) })); string(ping) != want {
		t.Errorf("a PING is %x, want %x", ping, want)
	}
	if len(ping)-1 != PingSize {
		t.Errorf("a PING has %d bytes", len(ping)-1)
	}
	for _, last := range []uint32{0, 7, MaxStream} {
		frame := AppendGoAway(nil, last)
		want := written(func(f *reference.Framer) error { return f.WriteGoAway(last, reference.ErrCodeNo, nil) })
		if !bytes.Equal(frame, want) || len(frame) != GoAwaySize {
			t.Errorf("a GOAWAY is %x, want %x", frame, want)
		}
		if LastStream(frame) != last {
			t.Errorf("last stream %d, want %d", LastStream(frame), last)
		}
		SetLastStream(frame, 9)
		if !bytes.Equal(frame, AppendGoAway(nil, 9)) {
			t.Errorf("with another last stream: %x", frame)
		}
	}
}

// The reference implementation parses the same frames.
func FuzzHeader(f *testing.F) {
	f.Add(written(func(f *reference.Framer) error { return f.WriteData(5, true, []byte("abc")) }))
	f.Add(AppendGoAway(nil, 3))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, ok := ParseHeader(b)
		want, err := reference.ReadFrameHeader(bytes.NewReader(b))
		if ok != (err == nil) {
			t.Fatalf("%x: whole: %v, for the reference implementation %v", b, ok, err)
		}
		if ok && (h.Length != int(want.Length) || h.Type != Type(want.Type) || h.Flags != uint8(want.Flags) || h.Stream != want.StreamID) {
			t.Errorf("%x is %+v, for the reference implementation %v", b, h, want)
		}
	})
}
