package balancer

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
)

// maxBody is as nginx's client_max_body_size.
const maxBody = 1 << 20

// request is a client's request with its whole body, as it is sent to endpoints: once or more often.
type request struct {
	*http.Request
	body []byte
}

// receive reads the whole body of a client's request, which is not used any more after this.
func receive(w http.ResponseWriter, r *http.Request) (*request, error) {
	var body []byte
	if r.Body != http.NoBody {
		var err error
		if body, err = io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody)); err != nil {
			return nil, err
		}
	}
	out := r.WithContext(r.Context())
	removeHopByHop(out.Header)
	if _, set := out.Header["User-Agent"]; !set {
		out.Header.Set("User-Agent", "") // or Write adds one
	}
	out.Close, out.TransferEncoding, out.Trailer = false, nil, nil
	out.ContentLength = int64(len(body))
	return &request{out, body}, nil
}

// send writes the request.
func (r *request) send(w *bufio.Writer) error {
	r.Body = http.NoBody
	if len(r.body) > 0 {
		r.Body = io.NopCloser(bytes.NewReader(r.body))
	}
	if err := r.Write(w); err != nil {
		return err
	}
	return w.Flush()
}
