package balancer

import (
	"errors"
	"io"
	"maps"
	"net/http"
	"time"
)

// copySize is how much of a response body is read at once.
const copySize = 32 << 10

// ServeHTTP forwards one request to an endpoint and its response to the client.
func (b *Balancer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	req, err := receive(w, r)
	if err != nil {
		http.Error(w, err.Error(), statusForBody(err))
		return
	}
	a, err := b.ask(req)
	if err != nil {
		http.Error(w, err.Error(), statusFor(err))
		return
	}
	buf := b.buffers.Get().(*[copySize]byte)
	defer b.buffers.Put(buf)
	if err := a.copyTo(w, buf[:], b.cfg.ReadTimeout); err != nil {
		// The head has been sent. All that is left is to cut the connection where the response
		// ended.
		http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}

// ask sends the request to one endpoint after the other, as far as the retry rules allow, until one
// answers.
func (b *Balancer) ask(r *bufferedRequest) (*answer, error) {
	var tried []*endpoint
	last := errNoEndpoint
	for len(tried) <= max(b.cfg.Retries, 0) {
		e := b.next(tried)
		if e == nil {
			break
		}
		a, err := e.ask(r, b.cfg)
		if err == nil {
			return a, nil
		}
		tried, last = append(tried, e), err
		if !mayTryNext(r.Method, err) {
			break
		}
	}
	return nil, last
}

// copyTo streams the response to the client, and then returns its connection to the pool or closes
// it.
func (a *answer) copyTo(w http.ResponseWriter, buf []byte, timeout time.Duration) error {
	removeHopByHop(a.Header)
	maps.Copy(w.Header(), a.Header)
	w.WriteHeader(a.StatusCode)
	err := a.copyBody(w, buf, timeout)
	a.done(err == nil)
	return err
}

func (a *answer) copyBody(w io.Writer, buf []byte, timeout time.Duration) error {
	for {
		a.conn.SetReadDeadline(time.Now().Add(timeout))
		n, err := a.Body.Read(buf)
		if _, err := w.Write(buf[:n]); n > 0 && err != nil {
			return err
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func statusForBody(err error) int {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return http.StatusRequestEntityTooLarge
	}
	return http.StatusBadRequest
}
