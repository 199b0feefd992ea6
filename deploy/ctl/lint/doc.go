// Package lint tells before a rollout what will go wrong in it.
//
//	manifests ──> ReadFiles ──┐
//	                          ├──> Inventory ──> Lint ──> []Finding ──> Write (text, json, sarif, github)
//	a cluster ──> ReadCluster ┘
//
// A rule looks at one thing and has a name, a severity and an explanation; docs/lint.md has the table. A finding names the object
// and the field, says in one sentence why it matters, with the consequence, and how it is mended.
//
// What it promises:
//
//   - It changes nothing: of a cluster it gets and lists.
//   - Nothing is left out in silence: what could not be looked at is a finding of its own, not-checked.
//   - It guesses only where it says so: an image that it does not know may have a shell, a Service may be in another file.
//
// Limits: what is decided at run time is not seen, such as configuration from ConfigMaps, or what a mesh's webhook adds to the pods. Conditions in CEL are
// not evaluated.
package lint
