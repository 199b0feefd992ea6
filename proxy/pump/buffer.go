package pump

import (
	"sync"

	"lameduck/proxy/h1"
)

// BufferSize is the size of a common buffer, which holds most messages whole. Longer bodies go from
// kernel to kernel.
const BufferSize = 16 << 10

// A Buffer is borrowed from a pool while there are bytes to hold.
type Buffer struct {
	Bytes []byte
	pool  *sync.Pool
}

var (
	buffers      = sync.Pool{New: func() any { return &Buffer{Bytes: make([]byte, BufferSize)} }}
	largeBuffers = sync.Pool{New: func() any { return &Buffer{Bytes: make([]byte, h1.MaxHead)} }}
)

// NewBuffer borrows a buffer of BufferSize bytes.
func NewBuffer() *Buffer { return borrow(&buffers) }

// NewLargeBuffer borrows a buffer that holds any head.
func NewLargeBuffer() *Buffer { return borrow(&largeBuffers) }

func borrow(pool *sync.Pool) *Buffer {
	b := pool.Get().(*Buffer)
	b.pool = pool
	return b
}

// larger returns an empty buffer that has more room than b.
func (b *Buffer) larger() *Buffer {
	if b.pool == &buffers {
		return NewLargeBuffer()
	}
	return &Buffer{Bytes: make([]byte, 2*len(b.Bytes))}
}

// Free gives the buffer back. A buffer larger than a large one is not reused.
func (b *Buffer) Free() {
	if b.pool != nil {
		b.pool.Put(b)
	}
}
