package webhook

import (
	"errors"
	"io"
	"sync/atomic"
)

const (
	// maxBody bounds one body. The API server accepts requests of up to 3 MiB
	// (MaxRequestBodyBytes), in protobuf or YAML, which is at most twice as long in JSON. A review
	// adds some KB to the pod.
	maxBody = 8 << 20

	// maxBodies bounds all bodies together: 6,000 pods of the usual 10 KB, or eight of the longest.
	maxBodies = 64 << 20

	// firstRead is not part of the budget, so that there is always room for the beginning of a
	// body. It has the UID, which every answer needs.
	firstRead = 1 << 10

	// firstGrowth is enough for most pods.
	firstGrowth = 16 << 10
)

// Errors of reading a body.
var (
	errTooLong  = errors.New("body is too long")
	errNoMemory = errors.New("too much memory is used by bodies")
)

// A byteBudget is a number of bytes that may be allocated.
type byteBudget struct{ left atomic.Int64 }

func newByteBudget(bytes int64) *byteBudget {
	b := &byteBudget{}
	b.left.Store(bytes)
	return b
}

// take takes n bytes and reports whether there were that many.
func (b *byteBudget) take(n int64) bool {
	if b.left.Add(-n) >= 0 {
		return true
	}
	b.left.Add(n)
	return false
}

func (b *byteBudget) give(n int64) { b.left.Add(n) }

// A body is a request body that is being read. It takes its budget as bytes arrive: a client that
// declares a long body and sends nothing takes nothing.
type body struct {
	budget *byteBudget
	taken  int64
	bytes  []byte
}

// read reads to the end. On errNoMemory, b.bytes has the beginning of the body.
func (b *body) read(r io.Reader) error {
	b.bytes = make([]byte, 0, firstRead)
	for {
		if len(b.bytes) == cap(b.bytes) {
			if err := b.grow(); err != nil {
				return err
			}
		}
		n, err := r.Read(b.bytes[len(b.bytes):cap(b.bytes)])
		b.bytes = b.bytes[:len(b.bytes)+n]
		switch {
		case len(b.bytes) > maxBody:
			return errTooLong
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
	}
}

// grow doubles the buffer. Both buffers count while the bytes are copied.
func (b *body) grow() error {
	size := max(firstGrowth, min(2*cap(b.bytes), maxBody+1)) // one more byte shows that it is too long
	if !b.budget.take(int64(size)) {
		return errNoMemory
	}
	b.bytes = append(make([]byte, 0, size), b.bytes...)
	b.budget.give(b.taken)
	b.taken = int64(size)
	return nil
}

// free returns the budget. The bytes must not be used after it.
func (b *body) free() {
	b.budget.give(b.taken)
	b.taken, b.bytes = 0, nil
}
