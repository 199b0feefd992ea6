package entrypoint

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// explain returns the reason behind an error of a registry, in words of its own: the error may quote
// addresses with tokens, and answers.
func explain(host string, keychain authn.Keychain, err error) error {
	var own reason
	var answer *transport.Error
	switch {
	case errors.As(err, &own):
		return reason("registry " + host + ": " + string(own))
	case errors.As(err, &answer):
		return reason("registry " + host + " " + explainStatus(answer.StatusCode, keychain))
	}
	return reason("registry " + host + " " + explainFailure(err))
}

func explainStatus(status int, keychain authn.Keychain) string {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden:
		text := "denies access to the image"
		if s, is := keychain.(*secrets); is {
			text += s.missing()
		}
		return text
	case http.StatusNotFound:
		return "does not have the image"
	case http.StatusTooManyRequests:
		return "limits the rate of requests"
	}
	return fmt.Sprintf("answered with the HTTP status %d", status)
}

func explainFailure(err error) string {
	var verification *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	var hostname x509.HostnameError
	var record tls.RecordHeaderError
	var alert tls.AlertError
	var lookup *net.DNSError
	var network *net.OpError
	switch {
	case errors.Is(err, errPlain):
		return "would need plain HTTP, which is for loopback only"
	case errors.Is(err, errTooLong):
		return "sent too long an answer"
	case errors.As(err, &verification), errors.As(err, &authority), errors.As(err, &invalid),
		errors.As(err, &hostname):
		return "has a certificate that is not trusted"
	case errors.As(err, &record), errors.As(err, &alert):
		return "does not speak TLS as expected"
	case errors.As(err, &lookup):
		return "has a name that cannot be resolved"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return "did not answer in time"
	case errors.As(err, &network):
		return "cannot be reached"
	}
	return "sent an answer that cannot be used"
}
