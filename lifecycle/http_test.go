package lifecycle

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestTheAdminAddressBeginsNoDrain(t *testing.T) {
	onStage(t, testConfig, external, func(s *stage) {
		for _, method := range []string{"GET", "POST", "PUT"} {
			for _, path := range []string{"/drain", "/hold", "/livez", "/readyz", "/status"} {
				w := httptest.NewRecorder()
				s.Admin(http.NotFoundHandler()).ServeHTTP(w, httptest.NewRequestWithContext(s.t.Context(), method, path, nil))
			}
		}
		s.wantsPhase(Serving)
	})
}

func TestReadiness(t *testing.T) {
	ready := func(s *stage) int {
		synctest.Wait()
		w := httptest.NewRecorder()
		s.Admin(http.NotFoundHandler()).ServeHTTP(w, httptest.NewRequest("GET", "/readyz", nil))
		return w.Code
	}
	for name, test := range map[string]struct {
		after time.Duration
		fails time.Duration // after the drain's start
	}{
		"fails at Drained by default":    {0, 5 * time.Second},
		"fails when it is configured to": {2 * time.Second, 2 * time.Second},
		"fails at Drained at the latest": {time.Hour, 5 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			config := testConfig
			config.UnreadyAfter = test.after
			onStage(t, config, external, func(s *stage) {
				time.Sleep(time.Hour)
				if ready(s) != 200 {
					t.Error("not ready while Serving")
				}
				s.RequestDrain(false)
				time.Sleep(test.fails - 1)
				if ready(s) != 200 {
					t.Error("readiness failed too early")
				}
				time.Sleep(1)
				if ready(s) != 503 {
					t.Error("readiness failed too late")
				}
			})
		})
	}
}

func TestStatus_HasThePortsWithoutAListener(t *testing.T) {
	for _, tt := range []struct {
		ports func() []uint16
		want  string
	}{
		{func() []uint16 { return []uint16{8080, 9090} }, `"ports_without_listener":[8080,9090]`},
		{func() []uint16 { return nil }, ""}, {nil, ""},
	} {
		config := testConfig
		config.NotListening = tt.ports
		onStage(t, config, external, func(s *stage) {
			got := string(s.statusJSON())
			if !strings.Contains(got, tt.want) || strings.Contains(got, "listener") != (tt.want != "") {
				t.Errorf("status %s, want %s", got, tt.want)
			}
		})
	}
}

func TestStatus(t *testing.T) {
	onStage(t, testConfig, external, func(s *stage) {
		status := func() (got status) {
			w := httptest.NewRecorder()
			s.Control().ServeHTTP(w, controlRequest("GET", "/status"))
			if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
				t.Fatal(err)
			}
			return got
		}
		if got := status(); got.Phase != "serving" || got.Drain != nil || got.Hold.Max != 60 {
			t.Errorf("status %+v, want serving, with the hold and no drain", got)
		}
		s.relay.busy(2)
		s.RequestDrain(false)
		time.Sleep(3 * time.Second)
		if got := status(); got.Phase != "draining" || got.InFlight != 2 || got.Drain == nil || got.Drain.Seconds != 3 || got.Drain.Exchanges != 7 || got.Drain.Unanswered != 3 {
			t.Errorf("status %+v, want 3s of draining with 2 exchanges in flight, 7 in the drain and 3 unanswered", got)
		}
	})
}
