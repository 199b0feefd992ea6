package waitroom

import (
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"lameduck/lifecycle/peerset"
)

// A Config is what a [Room] needs.
type Config struct {
	// Limit bounds the callers that wait since before the drain began, and those that came later: there
	// are twice as many in all.
	Limit int
	// Window is how long a caller waits for a drain to begin. If it is negative, callers wait for
	// Release in any case.
	Window time.Duration
	// Expired is the reply after Window, and Released the one at Release.
	Expired, Released Reply
}

// A Room is where callers wait. Its methods may be called by any goroutine.
type Room struct {
	config Config

	mu      sync.Mutex
	stage   stage
	early   callers // since before the drain began
	late    callers // since then
	held    int     // callers that have waited while draining
	dropped uint64
	token   uint64 // of the last caller
	tokens  map[uint64]*member
	watcher *watcher    // nil until it is needed
	expiry  *time.Timer // of the oldest early caller; nil until it is needed
}

// A stage is what the callers wait for. Stages follow each other, but may be skipped.
type stage uint8

const (
	serving  stage = iota // for a drain to begin, or for their window to end
	draining              // for Release
	released              // for nothing
)

type (
	callers = peerset.Set[caller]
	member  = peerset.Member[caller]
)

// New returns an empty room.
func New(config Config) *Room {
	return &Room{config: config, tokens: make(map[uint64]*member)}
}

// Wait keeps the caller of a request waiting. It returns at once if the connection can be hijacked,
// and otherwise at the end of the wait.
func (r *Room) Wait(w http.ResponseWriter, req *http.Request) {
	if r.hasReleased() {
		r.config.Released().serve(w)
		return
	}
	conn, _, err := http.NewResponseController(w).Hijack()
	if err == nil {
		r.add(conn.RemoteAddr(), caller{conn: conn, headOnly: req.Method == http.MethodHead})
		return
	}
	answer := make(chan Reply, 1)
	m := r.add(requestAddr(req), caller{answer: answer})
	select {
	case reply := <-answer:
		if reply == nil {
			panic(http.ErrAbortHandler) // closes the connection without an answer
		}
		reply().serve(w)
	case <-req.Context().Done():
		r.leave(m)
	}
}

// requestAddr returns the client address of a request, or nil if it is not known.
func requestAddr(req *http.Request) net.Addr {
	ap, err := netip.ParseAddrPort(req.RemoteAddr)
	if err != nil {
		return nil
	}
	return net.TCPAddrFromAddrPort(ap)
}

func (r *Room) hasReleased() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stage == released
}

// add adds a caller, and drops one if that makes too many.
func (r *Room) add(client net.Addr, c caller) *member {
	r.mu.Lock()
	if r.stage == released {
		r.mu.Unlock()
		c.reply(r.config.Released)
		return nil
	}
	set := &r.early
	if r.stage == draining {
		c.late = true
		set = &r.late
		r.held++
	}
	r.token++
	c.token, c.since = r.token, time.Now()
	m := set.Add(client, c)
	r.tokens[c.token] = m
	r.watchLocked(m)
	r.expireLaterLocked()
	var surplus *member
	if set.Len() > r.config.Limit {
		surplus = set.Busiest()
		r.removeLocked(surplus)
		r.dropped++
	}
	r.mu.Unlock()
	if surplus != nil {
		surplus.Value.drop()
	}
	return m
}

// watchLocked watches for the disconnect of a caller with a hijacked connection.
func (r *Room) watchLocked(m *member) {
	conn, token := m.Value.conn, m.Value.token
	if conn == nil {
		return // its handler notices
	}
	if r.watcher == nil {
		r.watcher = newWatcher(r.left)
	}
	r.watcher.add(conn, token)
}

// left removes the caller with this token, which has disconnected.
func (r *Room) left(token uint64) {
	r.mu.Lock()
	m := r.tokens[token]
	r.mu.Unlock()
	if m != nil && r.leave(m) {
		m.Value.drop()
	}
}

// leave removes a caller. It reports false if the caller has been removed before.
func (r *Room) leave(m *member) bool {
	if m == nil {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.removeLocked(m)
}

func (r *Room) removeLocked(m *member) bool {
	set := &r.early
	if m.Value.late {
		set = &r.late
	}
	delete(r.tokens, m.Value.token)
	return set.Remove(m)
}

// expireLaterLocked sets the timer for the oldest early caller if there is one.
func (r *Room) expireLaterLocked() {
	if r.config.Window < 0 || r.stage != serving || r.early.Len() == 0 {
		return
	}
	if r.expiry == nil {
		r.expiry = time.AfterFunc(r.config.Window, r.expire)
	} else if r.early.Len() == 1 {
		r.expiry.Reset(r.config.Window)
	}
}

// expire replies to the callers that have waited for a whole window.
func (r *Room) expire() {
	r.mu.Lock()
	if r.stage != serving {
		r.mu.Unlock()
		return
	}
	now, next := time.Now(), r.config.Window
	var expired []*member
	for m := range r.early.All() {
		if left := r.config.Window - now.Sub(m.Value.since); left > 0 {
			next = min(next, left)
		} else {
			r.removeLocked(m)
			expired = append(expired, m)
		}
	}
	if r.early.Len() > 0 {
		r.expiry.Reset(next)
	}
	r.mu.Unlock()
	replyAll(expired, r.config.Expired)
}

// Drain records that a drain has begun. From now on every caller waits for Release.
func (r *Room) Drain() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stage == serving {
		r.stage = draining
		r.held = r.early.Len()
	}
}

// Release replies to every caller that waits, and to every later one at once.
func (r *Room) Release() {
	r.mu.Lock()
	r.stage = released
	var all []*member
	for _, set := range []*callers{&r.early, &r.late} {
		for m := range set.All() {
			r.removeLocked(m)
			all = append(all, m)
		}
	}
	w := r.watcher
	r.watcher = nil
	if r.expiry != nil {
		r.expiry.Stop()
	}
	r.mu.Unlock()
	replyAll(all, r.config.Released)
	if w != nil {
		w.close()
	}
}

func replyAll(all []*member, reply Reply) {
	for _, m := range all {
		m.Value.reply(reply)
	}
}

// Waiting returns how many callers wait.
func (r *Room) Waiting() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.early.Len() + r.late.Len()
}

// Held returns how many callers have waited for Release in a drain.
func (r *Room) Held() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.held
}

// Dropped returns how many callers have been dropped because there were too many.
func (r *Room) Dropped() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.dropped
}
