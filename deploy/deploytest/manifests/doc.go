// Package manifests has what the tests of YAML share: it builds kustomizations, decodes objects and
// checks them. It is apart from deploytest because Kustomize and the API types take long to link.
package manifests
