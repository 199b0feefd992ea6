package main

import (
	"strconv"
	"strings"
)

// A load is a load of wrk.
type load struct {
	Path        string
	Connections int
	// Close uses a new connection for each request.
	Close bool
	// HeadBytes is the size of the whole request head. Zero means the smallest head of wrk.
	HeadBytes int
	// Body is the size of response bodies in bytes, if they are so large that responses which the
	// end of the load cuts must count in part. The number of responses is then computed from the
	// received bytes. If Body is zero, responses are counted.
	Body int64
	// TLS makes the requests over TLS.
	TLS bool
	// Threads is the number of threads of wrk. Zero means one.
	Threads int
}

// An outcome is the result of a load.
type outcome struct {
	Answers float64
	Seconds float64
	Failed  int64
}

// outcome converts the results of wrk.
func (l load) outcome(t tally) outcome {
	o := outcome{Answers: float64(t.Requests), Seconds: t.seconds(), Failed: t.Failed}
	if l.Body > 0 {
		o.Answers = t.Bytes / float64(l.Body)
	}
	return o
}

func (l load) args(address string) []string {
	// On a busy machine 64 MiB may take longer than wrk's default timeout of two seconds.
	args := []string{"-t" + strconv.Itoa(max(1, l.Threads)), "-c" + strconv.Itoa(l.Connections), "-d1h", "--timeout", "10s"}
	for _, h := range l.headers(address) {
		args = append(args, "-H", h)
	}
	scheme := http1.scheme()
	if l.TLS {
		scheme = https.scheme()
	}
	return append(args, scheme+address+l.Path)
}

// headers returns the field lines of requests besides Host.
func (l load) headers(address string) []string {
	var lines []string
	if l.Close {
		lines = append(lines, "Connection: close")
	}
	if l.HeadBytes > 0 {
		bare := "GET " + l.Path + " HTTP/1.1\r\nHost: " + address + "\r\n\r\n"
		lines = append(lines, padHead(bare, l.HeadBytes)...)
	}
	return lines
}

// padHead returns field lines of a browser with a cookie. Batch with the bare head they have
// size bytes.
func padHead(bare string, size int) []string {
	lines := []string{
		"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
		"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
		"Accept-Language: en-GB,en;q=0.7,de;q=0.3",
		"Accept-Encoding: gzip, deflate, br, zstd",
		"Referer: http://shop.example/articles/42?sort=price",
		"X-Request-Id: 6f1c2f0e-9d1b-4c58-8f0a-2b7c1c3d4e5f",
	}
	cookie := "Cookie: session="
	used := len(bare) + len(cookie) + len("\r\n")
	for _, line := range lines {
		used += len(line) + len("\r\n")
	}
	return append(lines, cookie+strings.Repeat("c", max(0, size-used)))
}
