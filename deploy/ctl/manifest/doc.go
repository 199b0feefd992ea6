// Package manifest reads Kubernetes manifests, says where what stands, and changes them with as few strokes as a careful person would.
//
//	files, directories, standard input ──> Read ──> File: Documents ──> Objects ──> Workloads
//	                                                     └── Apply(JSON Patch) ──> the same text with the change in it
//
// What it promises:
//
//   - A document that is not changed is written as it was read, byte for byte. So is every line of a changed one that the patch does not touch:
//     comments, blank lines, quotes, order and indentation stay.
//   - After a change the document says what the patch says: what has been written is read again and compared.
//
// Limits: where a patch goes through an alias, or into what an alias refers to, the aliases of that document are written out first. A
// change that cannot be made in place, as in an exotic layout, is made by writing the document anew, with its comments.
// Templates of Helm are no YAML: render them first.
package manifest
