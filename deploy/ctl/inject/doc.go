// Package inject plans how to add Lameduck to a pod, and how to remove it.
//
//	template, settings ──> Inject   ──> JSON Patch, notes   for lameduckctl inject and the webhook
//	injected template  ──> Uninject ──> JSON Patch, notes   from the annotation lameduck.dev/injected
//
// It adds what the components of deploy/kustomize add: a container, hooks that keep the other
// containers alive during the drain, ports that now mean Lameduck's, and a grace period that is
// long enough for the hold.
//
// The package is pure: it reads no file, asks no cluster and does not change its arguments.
//
// What it promises:
//
//   - Inject is idempotent, also after others have edited the pod.
//   - Uninject restores every field that Inject has changed, and touches no other.
//   - A preStop hook of the app is kept, and a note explains the consequence for the hold.
//   - A pod that cannot be protected is refused with a remedy, and never half injected.
//
// Limits: it knows only ports that a container declares, and cannot see what the injection of a
// service mesh will do later.
package inject
