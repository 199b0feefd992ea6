// Package deploy has what is applied to a cluster, and the tests of it. Its code is in the packages of lameduckctl below.
//
//	native/ plain/ wrapper/   Kustomize components: Lameduck for a workload that is there, in one of its three shapes
//	parts/                    what the shapes share
//	examples/                 complete workloads, each a team's own manifests and a kustomization
//	chart/ injector/          the webhook that gives labelled namespaces a Lameduck, for Helm and for Kustomize
//	observability/            monitors, rules and a dashboard
//	inject/                   plans how Lameduck comes into a pod
//	lint/                     tells what will go wrong in a rollout
//	manifest/                 reads manifests, and changes them in place
//	testdata/                 what kustomize makes of each
//	e2e/                      the tests on a real cluster
package deploy
