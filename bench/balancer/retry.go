package balancer

import (
	"errors"
	"net"
	"net/http"
)

// mayTryNext reports whether a request that failed with err may be sent to another endpoint. The
// package documentation has the rules.
func mayTryNext(method string, err error) bool {
	var failed *endpointError
	if !errors.As(err, &failed) {
		return false
	}
	return failed.stage == connecting || !nonIdempotent(method)
}

// nonIdempotent reports whether nginx never sends a request with this method twice.
func nonIdempotent(method string) bool {
	return method == http.MethodPost || method == "LOCK" || method == http.MethodPatch
}

// statusFor returns the status of a request that no endpoint has answered.
func statusFor(err error) int {
	var ne net.Error
	if errors.As(err, &ne) && ne.Timeout() {
		return http.StatusGatewayTimeout
	}
	return http.StatusBadGateway
}
