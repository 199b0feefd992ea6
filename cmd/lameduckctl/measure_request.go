package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/pflag"

	"lameduck/deploy/ctl/measure"
)

// samePath is the value of --post without a value: the path of the URL.
const samePath = "(same)"

// requestFlags are the flags of measure that determine its requests.
type requestFlags struct {
	post, body, contentType string
	headers                 []string
	tokenFile, ca           string
	insecure                bool
}

func (f *requestFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.post, "post", "", "also send POST requests, to the URL or with =PATH to another path")
	flags.Lookup("post").NoOptDefVal = samePath
	flags.StringVar(&f.body, "body", "", "body of POST requests, or @FILE, or @- for standard input")
	flags.StringVar(&f.contentType, "content-type", "application/json", "content type of --body")
	flags.StringArrayVarP(&f.headers, "header", "H", nil, "header field of every request, such as 'X-Test: 1'")
	flags.StringVar(&f.tokenFile, "token-file", "", "file with a bearer token, which never appears in output")
	flags.StringVar(&f.ca, "ca", "", "PEM file with CA certificates to trust in addition to the system's")
	flags.BoolVarP(&f.insecure, "insecure", "k", false, "do not verify the certificate of the server")
}

// apply sets the requests of a configuration and returns all errors.
func (f *requestFlags) apply(cfg *measure.Config, target string, stdin io.Reader) (problems []string) {
	refuse := func(flag string, err error) {
		if err != nil {
			problems = append(problems, flag+": "+err.Error())
		}
	}
	u, err := url.Parse(target)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return []string{"URL: must be absolute, such as https://shop.example/"} // it may have a password
	}
	if u.Path == "" {
		u.Path = "/"
	}
	u.Fragment = ""
	cfg.URL = u
	cfg.Post, err = f.postOf(u, stdin)
	refuse("--post", err)
	cfg.Header, err = f.header(u)
	refuse("--header", err)
	cfg.TLS, err = f.tls()
	refuse("--ca", err)
	if f.tokenFile != "" {
		token, err := os.ReadFile(f.tokenFile)
		refuse("--token-file", err)
		cfg.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	}
	return problems
}

func (f *requestFlags) postOf(u *url.URL, stdin io.Reader) (*measure.Post, error) {
	if f.post == "" {
		if f.body != "" {
			return nil, errors.New("must be set if --body is")
		}
		return nil, nil
	}
	p := &measure.Post{URL: u}
	if f.post != samePath {
		ref, err := url.Parse(f.post)
		if err != nil {
			return nil, fmt.Errorf("must be a path such as /orders, got %q", f.post)
		}
		p.URL = u.ResolveReference(ref)
	}
	var err error
	switch name, isFile := strings.CutPrefix(f.body, "@"); {
	case !isFile:
		p.Body = []byte(f.body)
	case name == "-":
		p.Body, err = io.ReadAll(stdin)
	default:
		p.Body, err = os.ReadFile(name)
	}
	if len(p.Body) > 0 {
		p.ContentType = f.contentType
	}
	return p, err
}

// header returns the header fields. Its error does not quote values, which may be secret.
func (f *requestFlags) header(u *url.URL) (http.Header, error) {
	h := http.Header{}
	for _, line := range f.headers {
		name, value, ok := strings.Cut(line, ":")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if !ok || name == "" || strings.ContainsAny(name+value, "\r\n") || strings.Contains(name, " ") {
			return h, errors.New("must be like 'Name: value', on one line")
		}
		h.Add(name, value)
	}
	if u.User != nil && h.Get("Authorization") == "" {
		password, _ := u.User.Password()
		(&http.Request{Header: h}).SetBasicAuth(u.User.Username(), password)
	}
	return h, nil
}

func (f *requestFlags) tls() (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: f.insecure}
	if f.ca == "" {
		return c, nil
	}
	pem, err := os.ReadFile(f.ca)
	if err != nil {
		return c, err
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM(pem) {
		return c, fmt.Errorf("%s has no PEM certificate", f.ca)
	}
	c.RootCAs = roots
	return c, nil
}
