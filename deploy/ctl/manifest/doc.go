// Package manifest reads Kubernetes manifests with source positions and edits them in place.
//
//	files, directories, stdin ──> Read ──> File ──> Documents ──> Objects ──> Workloads
//	                                                                 └── Apply(JSON Patch)
//
// A document that is not changed is written as it was read, byte for byte. In a changed document
// every line that the patch does not concern stays as it is (see package yamledit).
//
// Pods in an object of an unknown kind are found too (Holders), so that nobody overlooks them, and
// patches of kustomize are distinguished from objects (Patches, IsPatch).
//
// Limits: templates of Helm are not YAML; render them first.
package manifest
