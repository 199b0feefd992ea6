// Package deploy has what users apply to a cluster, the packages of lameduckctl, and the tests of
// both.
//
// For users:
//
//	kustomize/native plain wrapper   Lameduck for a workload, in one of its three shapes; base has what they share
//	kustomize/webhook                the webhook that injects Lameduck into the pods of labelled namespaces
//	helm/lameduck-webhook            the same webhook as a Helm chart
//	examples/                        complete workloads: a team's own manifests and a kustomization
//	observability/                   monitors, alert rules and a dashboard
//
// Code:
//
//	ctl/          the packages of lameduckctl: inject, lint, manifest, yamledit, jsonpatch, webhook, webhook/certs
//	deploytest/   helpers of the tests
//	e2e/          tests on a real cluster
package deploy
