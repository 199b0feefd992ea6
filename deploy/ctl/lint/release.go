package lint

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/util/version"
)

// A Release is a minor version of Kubernetes: 34 is 1.34.
type Release uint

func (r Release) String() string { return fmt.Sprintf("1.%d", uint(r)) }

// Releases are those of a cluster's kubelets, which may be older than its API server.
type Releases []Release

// supported are the releases that are maintained, which are meant where nobody says which it is.
var supported = Releases{34, 35, 36}

// The releases in which a kubelet changed what it does with a pod that ends.
const (
	nativeSidecars Release = 29 // SidecarContainers is on by default; before, restartPolicy of an init container is dropped
	sleepAction    Release = 30 // PodLifecycleSleepAction is on by default; before, a kubelet goes on at once
	sleepZero      Release = 33 // PodLifecycleSleepActionAllowZero is on by default, and fixed so from 1.34 on; before, zero seconds are refused
	execReadiness  Release = 35 // in this one alone, exec readiness probes of a pod that ends fail
)

// ParseRelease reads a version such as 1.34, v1.34.4 or v1.33.5-gke.1080000.
func ParseRelease(s string) (Release, error) {
	v, err := version.ParseGeneric(s)
	if err != nil || v.Major() != 1 {
		return 0, fmt.Errorf("version %q of Kubernetes: use one such as 1.34", s)
	}
	return Release(v.Minor()), nil
}

func (r Releases) oldest() Release { return slices.Min(r) }
