package h1_test

import (
	"fmt"
	"strings"
	"testing"

	"lameduck/proxy/h1"
)

// smallRequest is a head of 100 bytes, as of a health check or a benchmark.
var smallRequest = []byte(head("GET /static/index.html HTTP/1.1", "Host: app.default.svc", "User-Agent: wrk/4.2.0", "Accept: text/html"))

// browserRequest is a head of 1 KiB, as of a browser.
var browserRequest = []byte(head("GET /account/orders?page=2&sort=date HTTP/1.1",
	"Host: shop.example.com",
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
	"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
	"Accept-Language: en-GB,en;q=0.8,de;q=0.5",
	"Accept-Encoding: gzip, deflate, br, zstd",
	"Referer: https://shop.example.com/account/me",
	"Upgrade-Insecure-Requests: 1",
	"Sec-Fetch-Dest: document",
	"Sec-Fetch-Mode: navigate",
	"Sec-Fetch-Site: same-origin",
	"Sec-Fetch-User: ?1",
	"X-Forwarded-For: 192.0.2.17",
	"X-Forwarded-Proto: https",
	"X-Request-Id: 7d3f5a0e-8f5b-4a55-9c83-0d1b4f7f6a21",
	"Cookie: session="+strings.Repeat("0123456789abcdef", 24),
	"Connection: keep-alive",
))

var smallResponse = []byte(answer("Server: nginx", "Date: Thu, 01 Jan 2026 00:00:00 GMT", "Content-Type: text/html",
	"Connection: keep-alive", "Content-Length: 64"))

// chunkedOf returns a chunked body of 64 KiB in chunks of the given size, each with an extension.
func chunkedOf(size int) []byte {
	chunk := fmt.Sprintf("%x;a=b\r\n%s\r\n", size, strings.Repeat("x", size))
	return []byte(strings.Repeat(chunk, 64<<10/size) + "0\r\nA: b\r\n\r\n")
}

func TestNothingIsAllocated(t *testing.T) {
	body, chunks, dst := chunkedBody(t), chunkedOf(1<<10), make([]byte, 0, 1<<10)
	for name, do := range map[string]func(){
		"HeadEnd":           func() { h1.HeadEnd(browserRequest, 0) },
		"ParseRequest":      func() { _, _ = h1.ParseRequest(browserRequest) },
		"ParseResponse":     func() { _, _ = h1.ParseResponse(smallResponse, h1.Other) },
		"a refusal":         func() { _, _ = h1.ParseRequest(smallResponse) },
		"Body.Scan":         func() { b := body; _, _ = b.Scan(chunks) },
		"AppendCloseOption": func() { dst = h1.AppendCloseOption(dst[:0], smallResponse) },
	} {
		if n := testing.AllocsPerRun(100, do); n != 0 {
			t.Errorf("%s allocates %v times, want 0", name, n)
		}
	}
}

func BenchmarkParseRequest(b *testing.B) {
	for _, in := range [][]byte{smallRequest, browserRequest} {
		b.Run(fmt.Sprint(len(in), "B"), func(b *testing.B) {
			b.SetBytes(int64(len(in)))
			b.ReportAllocs()
			for b.Loop() {
				if r, err := h1.ParseRequest(in); err != nil || r.Size != len(in) {
					b.Fatal(r.Size, err)
				}
			}
		})
	}
}

func BenchmarkParseResponse(b *testing.B) {
	b.SetBytes(int64(len(smallResponse)))
	b.ReportAllocs()
	for b.Loop() {
		if r, err := h1.ParseResponse(smallResponse, h1.Other); err != nil || r.Size == 0 {
			b.Fatal(r.Size, err)
		}
	}
}

func BenchmarkScanChunks(b *testing.B) {
	for _, size := range []int{16, 1 << 10, 16 << 10} {
		in, body := chunkedOf(size), chunkedBody(b)
		b.Run(fmt.Sprint(size, "B"), func(b *testing.B) {
			b.SetBytes(int64(len(in)))
			b.ReportAllocs()
			for b.Loop() {
				follow := body
				if _, err := follow.Scan(in); err != nil || !follow.Done() {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkAppendCloseOption(b *testing.B) {
	dst := make([]byte, 0, 1<<10)
	b.ReportAllocs()
	for b.Loop() {
		dst = h1.AppendCloseOption(dst[:0], smallResponse)
	}
}

// The cost of a head that arrives byte by byte must not grow with the square of its size: the
// search continues where it ended. The time per byte must be the same from 1 KiB to 64 KiB.
func BenchmarkHeadEndByteByByte(b *testing.B) {
	for _, size := range []int{1 << 10, h1.MaxHead} {
		in := []byte(strings.Repeat("\n\r", size/2))
		in = append([]byte("GET / HTTP/1.1\r"), in...)
		b.Run(fmt.Sprint(size, "B"), func(b *testing.B) {
			b.SetBytes(int64(len(in)))
			for b.Loop() {
				for n := range in {
					h1.HeadEnd(in[:n], n-1)
				}
			}
		})
	}
}
