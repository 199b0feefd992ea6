package webhook

import (
	"errors"
	"io"
	"sync/atomic"
)

// The bounds of what is read.
const (
	// maxBody is the longest body. The API server takes requests of 3 MiB at the most (MaxRequestBodyBytes), and what it has taken as protobuf or
	// YAML is no longer than twice that in JSON; about the pod a review says some KB.
	maxBody = 8 << 20

	// maxBodies is what all bodies together may take: 6,000 pods of the usual 10 KB, or eight of the longest.
	maxBodies = 64 << 20

	// firstRead is in no account, so that there is always room for the beginning of a body, where the API server says what it wants an
	// answer to.
	firstRead = 1 << 10

	// firstGrowth is what most pods fit into.
	firstGrowth = 16 << 10
)

// What ends the reading of a body.
var (
	errTooLong  = errors.New("body is too long")
	errNoMemory = errors.New("bodies take too much memory")
)

// An account is what may be taken yet, in bytes.
type account struct{ left atomic.Int64 }

func newAccount(bytes int64) *account {
	a := &account{}
	a.left.Store(bytes)
	return a
}

// take says whether there were that many.
func (a *account) take(n int64) bool {
	if a.left.Add(-n) >= 0 {
		return true
	}
	a.left.Add(n)
	return false
}

func (a *account) give(n int64) { a.left.Add(n) }

// A body is one that is being read. What it takes it takes as bytes come: who says that much is to come, and sends nothing, takes nothing.
type body struct {
	account *account
	taken   int64
	bytes   []byte
}

// read reads all there is. With errNoMemory, the body has the beginning.
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

// grow doubles the room. While the bytes move, both rooms are taken.
func (b *body) grow() error {
	size := max(firstGrowth, min(2*cap(b.bytes), maxBody+1)) // one more byte than there may be is enough to see that there are too many
	if !b.account.take(int64(size)) {
		return errNoMemory
	}
	b.bytes = append(make([]byte, 0, size), b.bytes...)
	b.account.give(b.taken)
	b.taken = int64(size)
	return nil
}

// free gives back what the body has taken. Nothing of it may be used any more.
func (b *body) free() {
	b.account.give(b.taken)
	b.taken, b.bytes = 0, nil
}
