// Package mirror keeps copies of the objects of a cluster that determine how clients reach pods:
// Services, network policies of all kinds, and namespaces.
//
//	API server ── list, watch ──> resource ──> Mirror.Around(namespace) ──> mode.Choose
//
// It only gets, lists and watches. While a resource cannot be read, Around reports that, so that
// nothing is decided from an old copy.
package mirror
