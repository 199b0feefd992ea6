// Package entrypoint asks registries for the command of an image, for a wrapper around an app whose
// manifest has none.
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
//   - What a tag means is asked each time. What a digest means is kept.
//   - The text of an error is made of its own words and the name of the registry. It never quotes an
//     answer, an address or a credential.
//
// Limits: a node may have an older image of the same name, and a tag may move between the answer and
// the pull. Images by digest have no such gap.
package entrypoint
