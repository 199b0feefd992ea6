package pump

import (
	"errors"
	"os"
)

// Charge makes the flow charge b for its buffer while it waits for dst and, if slowSource is set,
// while it waits for src with bytes in the buffer. It must be called before the flow is used.
func (f *Flow) Charge(b *Budget, slowSource bool) {
	f.claim.Charge(b)
	f.slowSource = slowSource
}

// holdForSource charges the budget because the flow waits for src with bytes in the buffer.
func (f *Flow) holdForSource() {
	if f.slowSource {
		f.charged = true
		f.claim.Hold(len(f.buf.Bytes), (*sourceWait)(f))
	}
}

// holdForDestination charges the budget because dst accepts no more bytes.
func (f *Flow) holdForDestination() {
	held := len(f.out)
	if f.buf != nil {
		held = max(held, len(f.buf.Bytes))
	}
	f.charged = true
	f.claim.Hold(held, (*destinationWait)(f))
}

// discharge undoes holdForSource and holdForDestination.
func (f *Flow) discharge() {
	if f.charged {
		f.charged = false
		f.claim.Drop()
	}
}

// cause returns ErrOverBudget instead of err if the budget has ended the wait.
func (f *Flow) cause(err error) error {
	if f.charged && errors.Is(err, os.ErrDeadlineExceeded) && f.claim.IsStopped() {
		return ErrOverBudget
	}
	return err
}

// A sourceWait is a flow that waits for src.
type sourceWait Flow

func (w *sourceWait) Stop()   { w.Deadline.Expire() }
func (w *sourceWait) Resume() { w.Deadline.Revive() }

// A destinationWait is a flow that waits for dst, to which it has written a part.
type destinationWait Flow

func (w *destinationWait) Stop()   { _ = w.dst.SetWriteDeadline(past) }
func (w *destinationWait) Resume() {} // the connection ends
