// Package yamledit applies a JSON Patch to the text of a YAML document and preserves all other
// lines byte for byte.
//
//	text ──> Parse ──> Document ──> Apply(patch) ──> Document with a new text
//
// Every operation is applied twice: to the tree, which is simple and always correct, and to the
// text. A textEdit changes the text in place if it knows the layout there. The edited text is
// parsed and compared with the tree. Where they differ, or where the layout is unknown, the
// document is encoded again from the tree, with its comments. So textEdit need not handle every
// layout that YAML allows.
//
// Limits: where a patch goes through an alias, or into the value of an anchor, all aliases of the
// document are expanded first.
package yamledit
