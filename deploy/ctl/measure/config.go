package measure

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// A Config configures a measurement.
type Config struct {
	// URL is requested with GET. It is required; its scheme is http or https.
	URL *url.URL
	// Post is requested with POST. If it is nil, there are no such lanes.
	Post *Post
	// Header is added to every request.
	Header http.Header
	// Protocols are the protocols to measure. If it is empty, HTTP/1.1 is measured, and HTTP/2 if
	// the server supports it over TLS.
	Protocols []Protocol
	// GRPCService is the service whose health gRPC lanes check. Empty means the whole server.
	GRPCService string
	// Rate is the number of requests each second, over all lanes.
	Rate float64
	// MaxRequests ends the load after as many requests. Zero or less means no limit.
	MaxRequests int
	// MaxFailures ends the load after as many lost requests. Zero or less means no limit.
	MaxFailures int
	// Timeout bounds each request, from the time at which it is sent.
	Timeout time.Duration
	// Connections is how many kept connections each lane uses in turn.
	Connections int
	// Expect are the statuses of correct answers.
	Expect Statuses
	// TLS configures TLS. Its server name and protocols are set for each connection.
	TLS *tls.Config
	// Pin keeps the addresses that the host name had at the start.
	Pin bool
	// PodHeader is the name of a response header that names the pod. Empty means none.
	PodHeader string
	// Version is that of this program. It is part of the User-Agent and of the report.
	Version string
}

// A Post is a request with a body.
type Post struct {
	URL         *url.URL
	Body        []byte
	ContentType string
}

// maxInFlight is twice the number of requests that are in flight if none is answered before its
// timeout. A load that exceeds it measures this machine.
func (c Config) maxInFlight() int { return int(2*c.Rate*c.Timeout.Seconds()) + 100 }

func (c Config) check() error {
	var errs []error
	refuse := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	for _, u := range c.urls() {
		if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			refuse("URL %q: must be absolute and start with http:// or https://", shown(u))
		}
		if u.Host != c.URL.Host || u.Scheme != c.URL.Scheme {
			refuse("POST URL %q: must have the scheme and host of %s", shown(u), shown(c.URL))
		}
	}
	if !(c.Rate > 0 && c.Rate <= maxRate) {
		refuse("rate: must be above 0 and at most %d requests each second, got %v", maxRate, c.Rate)
	}
	if c.Timeout <= 0 {
		refuse("timeout: must be above zero, got %v", c.Timeout)
	}
	if len(c.GRPCService) > longestService {
		refuse("gRPC service: must have at most %d bytes, got %d", longestService, len(c.GRPCService))
	}
	if c.Connections < 1 {
		refuse("connections: must be at least 1, got %d", c.Connections)
	}
	return errors.Join(errs...)
}

// maxRate is more than a rollout needs. A higher rate would measure this machine.
const maxRate = 10_000

func (c Config) urls() []*url.URL {
	if c.Post == nil {
		return []*url.URL{c.URL}
	}
	return []*url.URL{c.URL, c.Post.URL}
}

func (c Config) userAgent() string {
	return "lameduckctl-measure/" + cmp.Or(c.Version, "devel")
}

// Statuses is a set of HTTP statuses as ranges.
type Statuses [][2]int

// ParseStatuses parses a list such as "200-399,404". An "x" stands for any digit, as in 2xx.
func ParseStatuses(list string) (Statuses, error) {
	var s Statuses
	for part := range strings.SplitSeq(list, ",") {
		part = strings.TrimSpace(part)
		from, to, isRange := strings.Cut(part, "-")
		if !isRange {
			to = from
		}
		low, err := strconv.Atoi(strings.ReplaceAll(from, "x", "0"))
		high, err2 := strconv.Atoi(strings.ReplaceAll(to, "x", "9"))
		if err != nil || err2 != nil || low < 100 || high > 599 || low > high {
			return nil, fmt.Errorf("must be a list of statuses such as 200-399,404 or 2xx, got %q", list)
		}
		s = append(s, [2]int{low, high})
	}
	return s, nil
}

// Has reports whether the set has a status.
func (s Statuses) Has(status int) bool {
	for _, r := range s {
		if r[0] <= status && status <= r[1] {
			return true
		}
	}
	return false
}

func (s Statuses) String() string {
	var parts []string
	for _, r := range s {
		if r[0] == r[1] {
			parts = append(parts, strconv.Itoa(r[0]))
		} else {
			parts = append(parts, fmt.Sprintf("%d-%d", r[0], r[1]))
		}
	}
	return strings.Join(parts, ",")
}

// shown returns a URL without what may be secret: the user and the query.
func shown(u *url.URL) string {
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}
