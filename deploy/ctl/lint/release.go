package lint

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/util/version"
)

// A Release is a minor version of Kubernetes; 34 is 1.34.
type Release uint

func (r Release) String() string { return fmt.Sprintf("1.%d", uint(r)) }

// Releases are the releases of the kubelets of a cluster, which may be older than its API server.
type Releases []Release

// supported are the maintained releases, the default for an unknown cluster.
var supported = Releases{34, 35, 36}

// Releases in which the kubelet changed how it terminates pods.
const (
	nativeSidecars Release = 29 // SidecarContainers is on by default; before, init containers have no restartPolicy
	sleepAction    Release = 30 // PodLifecycleSleepAction is on by default; before, the kubelet skips the hook
	sleepZero      Release = 33 // PodLifecycleSleepActionAllowZero is on by default; before, 0 seconds are rejected
	execReadiness  Release = 35 // only here, exec readiness probes of terminating pods fail
)

// ParseRelease reads a version such as 1.34, v1.34.4 or v1.33.5-gke.1080000.
func ParseRelease(s string) (Release, error) {
	v, err := version.ParseGeneric(s)
	if err != nil || v.Major() != 1 {
		return 0, fmt.Errorf("must be a version of Kubernetes such as 1.34, got %q", s)
	}
	return Release(v.Minor()), nil
}

func (r Releases) oldest() Release { return slices.Min(r) }
