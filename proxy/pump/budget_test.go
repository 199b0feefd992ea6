package pump

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
)

// A testWait is a waiter that records its calls.
type testWait struct{ stops, resumes int }

func (w *testWait) Stop()   { w.stops++ }
func (w *testWait) Resume() { w.resumes++ }

// claims returns n claims on a budget, each with its waiter.
func claims(b *Budget, n int) ([]*Claim, []*testWait) {
	cs, ws := make([]*Claim, n), make([]*testWait, n)
	for i := range cs {
		cs[i], ws[i] = new(Claim), new(testWait)
		cs[i].Charge(b)
	}
	return cs, ws
}

func wantStopped(t *testing.T, cs []*Claim, want ...int) {
	t.Helper()
	var stopped []int
	for i, c := range cs {
		if c.IsStopped() {
			stopped = append(stopped, i)
		}
	}
	if !slices.Equal(stopped, want) {
		t.Errorf("stopped waiters %v, want %v", stopped, want)
	}
}

func TestBudget_TheOldestWaitsAreEnded(t *testing.T) {
	b := NewBudget(100)
	cs, ws := claims(b, 4)
	for i := range 3 {
		cs[i].Hold(30, ws[i])
	}
	wantStopped(t, cs)
	cs[3].Hold(60, ws[3])
	wantStopped(t, cs, 0, 1)
	if b.Held() != 90 || b.Ended() != 2 || ws[0].stops != 1 || ws[1].stops != 1 {
		t.Errorf("%d held, %d ended, %+v; want 90 held and each stopped once", b.Held(), b.Ended(), ws)
	}
}

func TestBudget_AWaitThatGrowsKeepsItsAge(t *testing.T) {
	b := NewBudget(100)
	cs, ws := claims(b, 2)
	cs[0].Hold(10, ws[0])
	cs[1].Hold(10, ws[1])
	cs[0].Hold(60, ws[0]) // more bytes have arrived, but not all
	cs[1].Hold(50, ws[1])
	wantStopped(t, cs, 0)
}

func TestBudget_AnotherWaitOfTheSameOwnerIsYoung(t *testing.T) {
	b := NewBudget(100)
	cs, ws := claims(b, 2)
	cs[0].Hold(40, ws[0])
	cs[1].Hold(40, ws[1])
	cs[0].Hold(40, new(testWait))
	cs[1].Hold(70, ws[1])
	wantStopped(t, cs, 1)
}

func TestBudget_WhatIsGivenBackIsFree(t *testing.T) {
	b := NewBudget(100)
	cs, ws := claims(b, 3)
	for i := range cs {
		cs[i].Hold(100, ws[i])
		cs[i].Drop()
	}
	wantStopped(t, cs)
	if b.Held() != 0 || b.oldest != nil || b.newest != nil {
		t.Errorf("%d bytes are held after all were returned, want 0", b.Held())
	}
}

func TestBudget_AWaitThatWasEndedIsResumedByItsOwner(t *testing.T) {
	b := NewBudget(100)
	cs, ws := claims(b, 1)
	cs[0].Hold(101, ws[0]) // more than the budget
	cs[0].Hold(10, ws[0])  // its owner does not know yet that it was stopped
	wantStopped(t, cs, 0)
	cs[0].Drop()
	wantStopped(t, cs)
	if b.Held() != 0 || *ws[0] != (testWait{stops: 1, resumes: 1}) {
		t.Errorf("%d held, %+v; want nothing held, and one stop and one resume", b.Held(), *ws[0])
	}
	cs[0].Hold(10, ws[0])
	wantStopped(t, cs)
}

func TestBudget_WithoutALimitNothingIsEnded(t *testing.T) {
	b := NewBudget(0)
	cs, ws := claims(b, 1)
	cs[0].Hold(1<<40, ws[0])
	wantStopped(t, cs)
	var none Claim
	none.Hold(1, ws[0])
	none.Drop()
	if none.IsStopped() || b.isTight() {
		t.Error("a budget without a limit was exceeded")
	}
}

func TestBudget_IsSafeForConcurrentUse(t *testing.T) {
	b := NewBudget(1000)
	var users sync.WaitGroup
	for range 8 {
		users.Go(func() {
			var c Claim
			c.Charge(b)
			for range 2000 {
				for range rand.IntN(3) {
					c.Hold(rand.IntN(500), new(testWait))
				}
				c.IsStopped()
				if held := b.Held(); held > b.limit+8*500 {
					t.Errorf("%d bytes are held of %d", held, b.limit)
				}
				c.Drop()
			}
		})
	}
	users.Wait()
	if b.Held() != 0 || b.oldest != nil || b.newest != nil {
		t.Errorf("%d bytes are held at the end", b.Held())
	}
}
