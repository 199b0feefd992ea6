package proxy

import "lameduck/proxy/h1"

// A tunnelConn relays bytes without looking at them.
type tunnelConn struct{ base }

// relay relays bytes until the source ends, from kernel to kernel while there are many.
func (t *tunnelConn) relay(d direction) outcome {
	f := t.flow(d)
	body := h1.TunnelBody()
	for {
		f.Pass(len(f.Pending()))
		if o := t.retry(d, f.More(&body)); o.stops() {
			return o
		}
		t.used.Store(true)
	}
}
