// Package certs keeps the serving certificate of the webhook and makes the API server trust it.
//
//	                 ┌─ Rotator: issues and renews it, shares it in a Secret, writes the caBundle
//	Store <── Source ┤
//	                 └─ Files:   a mounted Secret that someone else renews
//
// Any number of replicas run a Rotator, without a leader. The Secret and the time alone determine
// what is due. The first replica to act writes the Secret; the writes of the others conflict, and
// they read it again.
//
// What it promises:
//
//   - The API server trusts the CA of a certificate before the certificate is served. During a
//     renewal it trusts both CAs.
//   - The key of a CA is discarded as soon as it has signed its certificate, and the CA is valid for
//     the webhook's name only. So with a stolen Secret one can impersonate this webhook and no other.
//   - A slow replica never replaces a new caBundle by an old one.
//
// The Rotator polls instead of watching: changes are rare, and get on two named objects is the only
// read permission that it then needs.
package certs
