//go:build !linux

package pump

import (
	"errors"
	"math"
)

// spliceFrom is out of reach: there is no splice.
const spliceFrom = math.MaxInt64

// errNoSplice reports that the bytes have to go through a buffer.
var errNoSplice = errors.New("splice not possible")

func (f *Flow) splice(int64) (int64, error) { return 0, errNoSplice }

// Pipes has no pipes, because there is no splice.
type Pipes struct{}

// NewPipes returns a pool.
func NewPipes(int) *Pipes { return new(Pipes) }

// Close does nothing.
func (*Pipes) Close() {}
