package proxy

import "lameduck/proxy/h1"

// relayTunnel passes bytes on until the source has ended: from kernel to kernel while they come in masses.
func (c *conn) relayTunnel(d direction) error {
	f := c.flow(d)
	body := h1.TunnelBody()
	for {
		f.Pass(len(f.Pending()))
		if err := c.retry(d, f.More(&body)); err != nil {
			return err
		}
		c.used.Store(true)
	}
}
