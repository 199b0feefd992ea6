// Package entrypoint asks registries for the command of an image, to wrap an app without a command
// in its manifest.
//
//	image, pull Secrets ──> Asker.Ask ──> ENTRYPOINT, CMD, stop signal, or the reason why not
//	                          │
//	                          └─ registry: manifest ──> config, one for each Linux platform
//
// What it promises:
//
//   - It asks only the registries that are allowed, over TLS; a registry on loopback may use HTTP.
//   - Ask returns within its timeout. A slower answer is kept for the next question.
//   - An answer holds for every Linux platform of the image, or there is none.
//   - The digest of a tag is requested each time. The configuration of a digest is cached.
//   - Error texts contain the registry's name, but never quote an answer, an address or a
//     credential.
//
// Limits: a node may have an older image of the same name, and a tag may move between the answer
// and the pull. Digests avoid this.
package entrypoint
