package lint

import (
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// volumeOfOnePod returns the name of a volume that the pods of a workload share and that only one
// of them can mount, or an empty string.
func (w *workload) volumeOfOnePod() string {
	for _, v := range w.template.Spec.Volumes {
		if isDiskOfOneNode(v) || v.PersistentVolumeClaim != nil && w.isClaimOfOnePod(*v.PersistentVolumeClaim) {
			return v.Name
		}
	}
	return ""
}

// isClaimOfOnePod reports whether a claim cannot be mounted on several nodes. Most storage classes
// cannot, so an unknown claim counts as one.
func (w *workload) isClaimOfOnePod(v corev1.PersistentVolumeClaimVolumeSource) bool {
	i := slices.IndexFunc(w.in.claims, func(c *corev1.PersistentVolumeClaim) bool {
		o := newObject("", c.ObjectMeta, nil)
		return c.Name == v.ClaimName && o.namespace() == w.namespace()
	})
	if i < 0 {
		return !v.ReadOnly
	}
	return !slices.ContainsFunc(w.in.claims[i].Spec.AccessModes, func(m corev1.PersistentVolumeAccessMode) bool {
		return m == corev1.ReadWriteMany || m == corev1.ReadOnlyMany
	})
}

// isDiskOfOneNode reports whether a volume is a disk that is attached to one node at a time.
func isDiskOfOneNode(v corev1.Volume) bool {
	switch {
	case v.GCEPersistentDisk != nil:
		return !v.GCEPersistentDisk.ReadOnly
	case v.ISCSI != nil:
		return !v.ISCSI.ReadOnly
	case v.RBD != nil:
		return !v.RBD.ReadOnly
	case v.FC != nil:
		return !v.FC.ReadOnly
	}
	return v.AWSElasticBlockStore != nil || v.AzureDisk != nil || v.Cinder != nil ||
		v.VsphereVolume != nil
}

// isRecreated reports whether a rollout stops all pods before it starts new ones.
func (w *workload) isRecreated() bool {
	d, is := w.source.(*appsv1.Deployment)
	return is && d.Spec.Strategy.Type == appsv1.RecreateDeploymentStrategyType
}

// sharedStorage returns the remedy where only one pod can mount a volume.
func sharedStorage(volume string) string {
	return fmt.Sprintf("only one pod can mount volume %s, and another one would wait for it: use storage "+
		"that several pods can mount (ReadWriteMany), or a StatefulSet with a volume for each replica; "+
		"ignore this rule if the app must not run twice", volume)
}
