package pump

import (
	"net"
	"testing"
	"time"
)

// A recorder is a source that records the last read deadline.
type recorder struct {
	net.Conn
	at time.Time
}

func (*recorder) CloseWrite() error { return nil }

func (r *recorder) SetReadDeadline(t time.Time) error {
	r.at = t
	return nil
}

func TestDeadlineIsTheEarliestLimit(t *testing.T) {
	const never, over = time.Duration(-1), time.Duration(-2)
	start := time.Now()
	in := func(d time.Duration) time.Time { return start.Add(d) }
	for name, test := range map[string]struct {
		set  func(d *Deadline)
		want time.Duration
	}{
		"none":                    {func(*Deadline) {}, never},
		"a head":                  {func(d *Deadline) { d.LimitHead(in(time.Hour)) }, time.Hour},
		"a head that is complete": {func(d *Deadline) { d.LimitHead(in(time.Hour)); d.LimitHead(time.Time{}) }, never},
		"silence":                 {func(d *Deadline) { d.LimitSilence(time.Hour) }, time.Hour},
		"silence that may last":   {func(d *Deadline) { d.LimitSilence(time.Hour); d.LimitSilence(0) }, never},
		"a head within silence":   {func(d *Deadline) { d.LimitSilence(time.Hour); d.LimitHead(in(time.Minute)) }, time.Minute},
		"silence after a head":    {func(d *Deadline) { d.LimitSilence(time.Hour); d.LimitHead(in(time.Minute)); d.LimitHead(time.Time{}) }, time.Hour},
		"a linger, whatever else": {func(d *Deadline) {
			d.LimitSilence(time.Minute)
			d.LimitHead(in(time.Minute))
			d.LimitLinger(in(time.Hour))
		}, time.Hour},
		"a linger that is put off": {func(d *Deadline) {
			d.LimitLinger(in(time.Minute))
			d.PutOffLinger(in(time.Hour))
		}, time.Hour},
		"no linger to put off": {func(d *Deadline) {
			d.LimitSilence(time.Hour)
			d.PutOffLinger(in(time.Minute))
		}, time.Hour},
		"the end of all":             {func(d *Deadline) { d.LimitSilence(time.Minute); d.LimitAll(in(time.Hour)) }, time.Hour},
		"the earlier end":            {func(d *Deadline) { d.LimitAll(in(time.Hour)); d.LimitAll(in(2 * time.Hour)) }, time.Hour},
		"nothing after that":         {func(d *Deadline) { d.LimitAll(in(time.Hour)); d.LimitSilence(time.Minute); d.LimitHead(time.Time{}) }, time.Hour},
		"roused":                     {func(d *Deadline) { d.Rouse() }, over},
		"roused in spite of a limit": {func(d *Deadline) { d.LimitSilence(time.Hour); d.Rouse(); d.Arm() }, over},
		"calm again":                 {func(d *Deadline) { d.Rouse(); d.Calm() }, never},
		"calm with its limit":        {func(d *Deadline) { d.Rouse(); d.LimitSilence(time.Hour); d.Calm() }, time.Hour},
		"not roused once all ends":   {func(d *Deadline) { d.LimitAll(in(time.Hour)); d.Rouse() }, time.Hour},
		"nor still roused":           {func(d *Deadline) { d.Rouse(); d.LimitAll(in(time.Hour)) }, time.Hour},
		"nothing for another source": {func(d *Deadline) { d.LimitAll(in(time.Hour)); d.Rouse(); d.Watch(d.src); d.Arm(); d.Calm() }, never},
	} {
		t.Run(name, func(t *testing.T) {
			var src recorder
			var d Deadline
			d.Watch(&src)
			test.set(&d)
			switch test.want {
			case never:
				if !src.at.IsZero() || d.Running() {
					t.Errorf("reads fail at %v, running %v; want no limit", src.at, d.Running())
				}
			case over:
				if src.at != past || d.Passed(time.Now()) {
					t.Errorf("reads fail at %v, passed %v; want them to return at once", src.at, d.Passed(time.Now()))
				}
			default:
				if early := src.at.Before(in(test.want)); early || src.at.After(in(test.want+time.Minute)) || !d.Running() {
					t.Errorf("reads fail after %v, running %v; want %v", src.at.Sub(start), d.Running(), test.want)
				}
				if d.Passed(src.at.Add(-1)) || !d.Passed(src.at) {
					t.Error("the limit is not reached exactly when reads fail")
				}
			}
		})
	}
}

func TestArmRestartsTheLimitOnSilence(t *testing.T) {
	var src recorder
	var d Deadline
	d.Watch(&src)
	d.LimitSilence(time.Hour)
	before := src.at
	for !src.at.After(before) {
		d.Arm()
	}
}
