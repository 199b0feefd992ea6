package measure

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// lookupPeriod is how often a host name is looked up. Load balancers change their addresses with
// times to live of a minute or less.
const lookupPeriod = 5 * time.Second

// An addressBook has the addresses of a host name. New connections use them in turn.
type addressBook struct {
	host, port string
	lookup     func(ctx context.Context, host string) ([]netip.Addr, error)
	next       atomic.Uint64

	mu      sync.Mutex
	current []string          // host:port
	seen    []string          // every address that was ever used
	leftOut map[string]string // addresses that do not work from here, and why
}

// newAddressBook looks up the host of a URL.
func newAddressBook(ctx context.Context, u *url.URL) (*addressBook, error) {
	b := &addressBook{host: u.Hostname(), port: portOf(u), leftOut: map[string]string{}}
	b.lookup = func(ctx context.Context, host string) ([]netip.Addr, error) {
		return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	}
	return b, b.refresh(ctx)
}

func portOf(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "https":
		return "443"
	}
	return "80"
}

// refresh looks the host name up. If that fails or finds no usable address, the current ones stay.
func (b *addressBook) refresh(ctx context.Context) error {
	found, err := b.lookup(ctx, b.host)
	if err != nil {
		return fmt.Errorf("look up %s: %w", b.host, err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	var current []string
	for _, a := range found {
		addr := net.JoinHostPort(a.Unmap().String(), b.port)
		if _, out := b.leftOut[addr]; !out && !slices.Contains(current, addr) {
			current = append(current, addr)
		}
	}
	if len(current) == 0 {
		return fmt.Errorf("look up %s: no usable address", b.host)
	}
	slices.Sort(current)
	b.current = current
	for _, addr := range current {
		if !slices.Contains(b.seen, addr) {
			b.seen = append(b.seen, addr)
		}
	}
	return nil
}

// follow looks the host name up again and again, until ctx is done.
func (b *addressBook) follow(ctx context.Context) {
	if _, err := netip.ParseAddr(b.host); err == nil {
		return // an address has no other
	}
	tick := time.NewTicker(lookupPeriod)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			_ = b.refresh(ctx) // the addresses known so far are used until a lookup succeeds
		}
	}
}

// pick returns the address of the next connection.
func (b *addressBook) pick() string {
	n := b.next.Add(1) - 1
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.current[n%uint64(len(b.current))]
}

func (b *addressBook) addresses() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.seen)
}

// tryAll connects to each address and leaves out those that do not accept, for example of an address
// family that this machine has no route for. It returns an error if none accepts.
func (b *addressBook) tryAll(ctx context.Context, timeout time.Duration) error {
	var errs []error
	all := b.addresses()
	for _, addr := range all {
		conn, err := (&net.Dialer{Timeout: timeout}).DialContext(ctx, "tcp", addr)
		if err != nil {
			errs = append(errs, fmt.Errorf("connect to %s: %w", addr, err))
			b.leave(addr, err)
			continue
		}
		conn.Close()
	}
	if len(errs) == len(all) {
		return errors.Join(errs...)
	}
	return nil
}

// leave leaves an address out from now on.
func (b *addressBook) leave(addr string, why error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.leftOut[addr] = why.Error()
	is := func(a string) bool { return a == addr }
	b.current = slices.DeleteFunc(b.current, is)
	b.seen = slices.DeleteFunc(b.seen, is)
}

// notes returns a sentence for each address that was left out.
func (b *addressBook) notes() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var notes []string
	for addr, why := range b.leftOut {
		notes = append(notes, fmt.Sprintf("%s was left out, as it failed before the load: %s", addr, why))
	}
	slices.Sort(notes)
	return notes
}
