package silence

import (
	"testing"
	"time"
)

func TestForecast_AndHasTheTrafficOfBoth(t *testing.T) {
	const s = time.Second
	busy := Forecast{InFlight: 1, SilentIn: 3 * s, Required: 5 * s, More: 0.5, Class: Direct, LastRequest: 2 * s, LastConnection: s}
	slow := Forecast{InFlight: 2, SilentIn: 9 * s, Required: 20 * s, More: 0.8, Class: Observed, LastRequest: s, LastConnection: 4 * s, ChecksIn: s}
	slow.Checks[0] = 7 * s
	want := Forecast{InFlight: 3, SilentIn: 9 * s, Required: 20 * s, More: 0.9, Class: Observed, LastRequest: 2 * s, LastConnection: 4 * s, ChecksIn: s}
	want.Checks[0] = 7 * s
	for _, got := range []Forecast{busy.And(slow), slow.And(busy)} {
		if got.More < 0.89 || got.More > 0.91 {
			t.Errorf("probability %v, want 0.9", got.More)
		}
		if got.More = 0.9; got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
}

func TestForecast_AndIsIdleIfBothAre(t *testing.T) {
	idle, busy := Forecast{Idle: true}, Forecast{}
	if !idle.And(idle).Idle || idle.And(busy).Idle || busy.And(idle).Idle {
		t.Error("merged forecast is idle although one of the two is not")
	}
}
