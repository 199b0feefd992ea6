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
// Values that several places share by an anchor are edited in place if the patch changes all these
// places in the same way. Otherwise the places that would change too get copies, each with a comment
// that names the alias. A later patch that makes a copy equal to the anchor's value again restores the
// alias.
package yamledit
