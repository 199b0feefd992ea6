package balancer

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
)

// maxBody is the default of nginx's client_max_body_size.
const maxBody = 1 << 20

// A bufferedRequest is a client's request with its whole body, so that it can be sent more than
// once.
type bufferedRequest struct {
	*http.Request
	body []byte
}

// receive reads the whole body of a client's request. The caller does not use r afterwards.
func receive(w http.ResponseWriter, r *http.Request) (*bufferedRequest, error) {
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
		out.Header.Set("User-Agent", "") // otherwise Write adds one
	}
	out.Close, out.TransferEncoding, out.Trailer = false, nil, nil
	out.ContentLength = int64(len(body))
	return &bufferedRequest{out, body}, nil
}

// send writes the request.
func (r *bufferedRequest) send(w *bufio.Writer) error {
	r.Body = http.NoBody
	if len(r.body) > 0 {
		r.Body = io.NopCloser(bytes.NewReader(r.body))
	}
	if err := r.Write(w); err != nil {
		return err
	}
	return w.Flush()
}
