// Package inject plans how Lameduck comes into a pod, and how it goes out again.
//
//	template + settings ──> Inject ──> JSON Patch + notes      what lameduckctl inject writes, and what the webhook answers
//	injected template   ──> Eject  ──> JSON Patch              what is needed for it is in the annotation lameduck.dev/injected
//
// What comes in is what the components native, plain and wrapper of deploy/kustomize bring: a container, hooks that keep the
// others alive until the drain is over, ports that now mean Lameduck's, and a grace period in which the hold has room.
//
// It is pure: it reads no file, asks no cluster and changes nothing that it is handed.
//
// What it promises:
//
//   - Inject twice is Inject once, also after others have edited the pod.
//   - Eject gives back what was there: every field that Inject has touched, and no other.
//   - A hook of the app's own is kept. What follows for the hold is said in a note.
//   - What cannot be protected as it stands is refused, with the remedy, and never half done.
//
// Limits: ports that a container listens at without declaring them are unknown; what a mesh's own injection does later is not seen.
package inject
