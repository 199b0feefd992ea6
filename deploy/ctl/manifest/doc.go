// Package manifest reads Kubernetes manifests with source positions and edits them in place.
//
//	files, directories, stdin ──> Read ──> File ──> Documents ──> Objects ──> Workloads
//	                                                                 └── Apply(JSON Patch)
//
// An unchanged document is written as it was read, byte for byte. In a changed document, lines that
// the patch does not affect stay as they are (see package yamledit).
//
// It also finds pods in objects of unknown kinds (Holders), so that they are not overlooked, and
// distinguishes patches of kustomize from objects (Patches, IsPatch).
//
// Limits: templates of Helm are not YAML; render them first.
package manifest
