package main

import (
	"fmt"
	"io"
	"net/http"
	"time"
)

func serve(w http.ResponseWriter, r *http.Request) {
	wait, err := waitAskedFor(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	// Read the whole body before answering: an early answer is a different case.
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client has gone
	}
	time.Sleep(wait)
	if r.Method != http.MethodPost {
		body = []byte("hello\n")
	}
	w.Write(body)
}

// waitAskedFor returns the query's wait, and zero if the query has none.
func waitAskedFor(r *http.Request) (time.Duration, error) {
	asked := r.URL.Query().Get("wait")
	if asked == "" {
		return 0, nil
	}
	wait, err := time.ParseDuration(asked)
	if err != nil {
		return 0, fmt.Errorf("wait: must be a duration (for example wait=50ms), got %q", asked)
	}
	return wait, nil
}
