// Package charts has manifests in the shapes of public charts, for tests.
//
//	table ──> Chart ──> Manifests: a workload, its Services, NetworkPolicies, limits and quotas
//
// The shapes are those that matter to an injection: how Services and policies refer to ports, which
// ports there are, what the pods have already, and how the text is laid out. Nothing is copied.
package charts
