package proxy

import (
	"sync"

	"lameduck/proxy/h1"
)

// bufferSize holds most messages whole. Longer bodies go from kernel to kernel.
const bufferSize = 16 << 10

// A buffer is borrowed for as long as there are bytes in hand.
type buffer struct {
	bytes []byte
	pool  *sync.Pool
}

var (
	buffers      = sync.Pool{New: func() any { return &buffer{bytes: make([]byte, bufferSize)} }}
	largeBuffers = sync.Pool{New: func() any { return &buffer{bytes: make([]byte, h1.MaxHead)} }}
)

func newBuffer() *buffer      { return borrow(&buffers) }
func newLargeBuffer() *buffer { return borrow(&largeBuffers) }

func borrow(pool *sync.Pool) *buffer {
	b := pool.Get().(*buffer)
	b.pool = pool
	return b
}

func (b *buffer) free() { b.pool.Put(b) }
