// Package lint finds problems before a rollout runs into them.
//
//	manifests ──> ReadFiles ──┐
//	                          ├──> Inventory ──> Lint ──> []Finding ──> Report.Write
//	a cluster ──> ReadCluster ┘                                         (text, json, sarif, github)
//
// A rule finds one kind of problem. It has a name, a severity and an explanation; docs/lint.md has
// the table. A finding names the object and the field, and has one sentence with the consequence,
// and a fix.
//
// What it promises:
//
//   - It changes nothing. In a cluster it only gets and lists.
//   - It skips nothing silently: anything that cannot be checked is a finding of the rule
//     not-checked.
//   - It guesses only where the documentation says so: an unknown image may have a shell, and a Service
//     may be in another file.
//
// Limits: it does not know what is decided at run time, such as configuration from ConfigMaps or
// changes by a mesh's webhook. It does not evaluate CEL conditions.
package lint
