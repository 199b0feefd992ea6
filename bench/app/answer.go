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
	// The whole body first: an answer that begins before its request has ended is a story of its own.
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

// waitAskedFor returns the query's wait, and zero where there is none.
func waitAskedFor(r *http.Request) (time.Duration, error) {
	asked := r.URL.Query().Get("wait")
	if asked == "" {
		return 0, nil
	}
	wait, err := time.ParseDuration(asked)
	if err != nil {
		return 0, fmt.Errorf("wait=%q is no duration: write it like wait=50ms", asked)
	}
	return wait, nil
}
