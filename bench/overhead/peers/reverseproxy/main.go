// Command reverseproxy is a minimal reverse proxy with Go's standard library.
//
//	reverseproxy LISTEN APP http1|h2c
package main

import (
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
)

func main() {
	if len(os.Args) != 4 {
		log.Fatal("usage: reverseproxy LISTEN APP http1|h2c")
	}
	listen, app := os.Args[1], &url.URL{Scheme: "http", Host: os.Args[2]}
	spoken := new(http.Protocols)
	spoken.SetHTTP1(os.Args[3] == "http1")
	spoken.SetUnencryptedHTTP2(os.Args[3] == "h2c")
	server := http.Server{Addr: listen, Handler: newProxy(app, spoken), Protocols: spoken}
	log.Fatal(server.ListenAndServe())
}

// newProxy returns a proxy to app that keeps any number of idle connections to it. With the default
// of two it would open a connection for nearly every request.
func newProxy(app *url.URL, spoken *http.Protocols) *httputil.ReverseProxy {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = nil
	transport.Protocols = spoken
	transport.MaxIdleConns = 0 // no limit
	transport.MaxIdleConnsPerHost = 1 << 16
	transport.IdleConnTimeout = 0 // no limit
	transport.DisableCompression = true
	return &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(app) },
		Transport: transport,
	}
}
