package proxy

import (
	"testing"
	"time"

	"lameduck/proxy/h2"
)

func TestWhatIsOverOfStreams(t *testing.T) {
	now := time.Now()
	s := newStreams(h2.MaxStream)
	for _, id := range []uint32{1, 3, 5} {
		if !s.begin(id) || s.begin(id) {
			t.Errorf("stream %d does not begin exactly once", id)
		}
	}
	if !s.promise(2) || s.promise(2) {
		t.Error("stream 2 is not promised exactly once")
	}
	steps := []struct {
		name string
		over bool
		left int
	}{
		{"the app ends 2, which it has promised", s.end(2, fromApp, now), s.len()},
		{"the app ends 1", s.end(1, fromApp, now), s.len()},
		{"the app ends 1 again", s.end(1, fromApp, now), s.len()},
		{"the client ends 1", s.end(1, fromClient, now), s.len()},
		{"the client ends 1 again", s.end(1, fromClient, now), s.len()},
		{"the client ends 3", s.end(3, fromClient, now), s.len()},
		{"the app ends 3", s.end(3, fromApp, now), s.len()},
		{"a reset of 3, which is over", s.reset(3), s.len()},
		{"the app ends 5", s.end(5, fromApp, now), s.len()},
		{"a reset of 5", s.reset(5), s.len()},
	}
	wants := []struct {
		over bool
		left int
	}{{true, 3}, {false, 3}, {false, 3}, {true, 2}, {false, 2}, {false, 2}, {true, 1}, {false, 1}, {false, 1}, {true, 0}}
	for i, step := range steps {
		if step.over != wants[i].over || step.left != wants[i].left {
			t.Errorf("%s: over %v, %d left; want %v, %d", step.name, step.over, step.left, wants[i].over, wants[i].left)
		}
	}
}

func TestUploadsExpireByTheirSilence(t *testing.T) {
	start := time.Now()
	s := newStreams(h2.MaxStream)
	for i, id := range []uint32{1, 3, 5} {
		s.begin(id)
		s.end(id, fromApp, start.Add(time.Duration(i)*time.Second))
	}
	s.move(1, start.Add(3*time.Second))
	s.begin(7) // it has not been answered, and does not expire
	for _, test := range []struct {
		after      time.Duration
		over, left int
		next       time.Duration
	}{
		{4 * time.Second, 0, 4, uploadSilence - 3*time.Second},
		{uploadSilence + 2*time.Second, 2, 2, time.Second},
		{uploadSilence + 3*time.Second, 1, 1, 0},
		{time.Hour, 0, 1, 0},
	} {
		over, next := s.expire(start.Add(test.after))
		if over != test.over || next != test.next || s.len() != test.left {
			t.Errorf("after %v %d are over, %d left, the next in %v; want %d, %d, %v", test.after, over, s.len(), next, test.over, test.left, test.next)
		}
	}
}

func TestRefusedStreamsAreOver(t *testing.T) {
	s := newStreams(h2.MaxStream)
	for _, id := range []uint32{1, 3, 5} {
		s.begin(id)
	}
	s.promise(8)
	if n := s.refuse(3); n != 1 || s.len() != 3 {
		t.Errorf("%d are over and %d left, want 1 and 3: a GOAWAY does not refer to pushed streams", n, s.len())
	}
	if s.begin(7) {
		t.Error("a stream beyond the last one is in flight")
	}
	if n := s.refuse(5); n != 0 || s.last != 3 {
		t.Errorf("a later GOAWAY raises the last stream to %d", s.last)
	}
}
