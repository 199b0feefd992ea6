//go:build lockcount

package proxy

import (
	"testing"
	"testing/synctest"
)

func TestARequestTakesTheMutexThreeTimes(t *testing.T) {
	inBubble(t, Config{}, func(r *rig) {
		client, app := r.connect()
		exchange := func() {
			client.send(get)
			app.wants(get)
			app.send(ok)
			client.wants(ok)
			synctest.Wait()
		}
		exchange() // the protocol is detected
		mu := &r.server.all()[0].mu
		before := mu.taken.Load()
		const requests = 10
		for range requests {
			exchange()
		}
		if n := mu.taken.Load() - before; n > 3*requests {
			t.Errorf("%d requests take the connection's mutex %d times, want at most %d", requests, n, 3*requests)
		}
	})
}
