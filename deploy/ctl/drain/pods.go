package drain

import corev1 "k8s.io/api/core/v1"

// OfPods returns the summaries in the termination messages of pods: of containers that have ended,
// and of the previous runs of those that were restarted.
func OfPods(pods []corev1.Pod) []Drain {
	var found []Drain
	for i := range pods {
		p := &pods[i]
		for _, statuses := range [][]corev1.ContainerStatus{p.Status.InitContainerStatuses, p.Status.ContainerStatuses} {
			for _, s := range statuses {
				for _, t := range []*corev1.ContainerStateTerminated{s.State.Terminated, s.LastTerminationState.Terminated} {
					if t == nil {
						continue
					}
					if summary, ok := ParseMessage(t.Message); ok {
						found = append(found, Drain{p.Namespace + "/" + WorkloadOfPod(p.Name), summary})
					}
				}
			}
		}
	}
	return found
}
