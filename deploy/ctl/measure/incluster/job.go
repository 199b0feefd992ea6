package incluster

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// container is the name of the container with the load.
const container = "measure"

// A Spec describes the load.
type Spec struct {
	Namespace string
	Image     string // of lameduckctl
	// Args are the arguments of lameduckctl. "$(KEY)" stands for a value of Secrets, and Dir/KEY is
	// the path of a file with one of Files.
	Args []string
	// Secrets are the arguments that may be secret, by keys like environment variables.
	Secrets map[string]string
	// Files are the contents of files that may be secret.
	Files map[string][]byte
	// Duration is the longest time of the load.
	Duration time.Duration
}

// Dir is the directory of Files in the container.
const Dir = "/run/measure"

// Literal returns an argument in which "$(" has no meaning.
func Literal(arg string) string { return strings.ReplaceAll(arg, "$(", "$$(") }

// startLimit bounds the time until the load begins, including that to pull the image.
const startLimit = 2 * time.Minute

// keep is how long a finished Job that was not deleted is kept.
const keep = 10 * time.Minute

// job returns the Job, whose pod the Pod Security level `restricted` allows.
func (s Spec) job(name string) *batchv1.Job {
	labels := map[string]string{
		"app.kubernetes.io/name": "lameduckctl", "app.kubernetes.io/component": "measure",
		"lameduck.dev/inject": "disabled",
	}
	return &batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: s.Namespace, Labels: labels},
		Spec: batchv1.JobSpec{
			BackoffLimit:            new(int32(0)),
			ActiveDeadlineSeconds:   new(int64((s.Duration + 2*startLimit) / time.Second)),
			TTLSecondsAfterFinished: new(int32(keep / time.Second)),
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       s.pod(name),
			},
		},
	}
}

func (s Spec) pod(secret string) corev1.PodSpec {
	c := corev1.Container{
		Name: container, Image: s.Image, Args: s.Args, TerminationMessagePolicy: corev1.TerminationMessageFallbackToLogsOnError,
		Resources: corev1.ResourceRequirements{
			Requests: corev1.ResourceList{"cpu": resource.MustParse("100m"), "memory": resource.MustParse("64Mi")},
			Limits:   corev1.ResourceList{"memory": resource.MustParse("512Mi")},
		},
		SecurityContext: &corev1.SecurityContext{
			AllowPrivilegeEscalation: new(false), ReadOnlyRootFilesystem: new(true),
			Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
		},
	}
	p := corev1.PodSpec{
		RestartPolicy: corev1.RestartPolicyNever, AutomountServiceAccountToken: new(false), EnableServiceLinks: new(false),
		// The user is that of the image. OpenShift refuses a fixed one and assigns its own.
		SecurityContext: &corev1.PodSecurityContext{
			RunAsNonRoot:   new(true),
			SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
		},
	}
	for _, key := range slices.Sorted(maps.Keys(s.Secrets)) {
		c.Env = append(c.Env, corev1.EnvVar{Name: key, ValueFrom: &corev1.EnvVarSource{
			SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: secret}, Key: key}}})
	}
	if len(s.Files) > 0 {
		c.VolumeMounts = []corev1.VolumeMount{{Name: "files", MountPath: Dir, ReadOnly: true}}
		source := &corev1.SecretVolumeSource{SecretName: secret}
		for _, key := range slices.Sorted(maps.Keys(s.Files)) {
			source.Items = append(source.Items, corev1.KeyToPath{Key: key, Path: key})
		}
		p.Volumes = []corev1.Volume{{Name: "files", VolumeSource: corev1.VolumeSource{Secret: source}}}
	}
	p.Containers = []corev1.Container{c}
	return p
}

func (s Spec) hasSecret() bool { return len(s.Secrets)+len(s.Files) > 0 }

// secret returns the Secret, which is deleted with the Job.
func (s Spec) secret(owner *batchv1.Job) *corev1.Secret {
	data := maps.Clone(s.Files)
	if data == nil {
		data = map[string][]byte{}
	}
	for key, value := range s.Secrets {
		data[key] = []byte(value)
	}
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Name: owner.Name, Namespace: s.Namespace, Labels: owner.Labels,
			OwnerReferences: []metav1.OwnerReference{{APIVersion: "batch/v1", Kind: "Job", Name: owner.Name, UID: owner.UID}},
		},
		Data: data,
	}
}

// waitingFor returns why the container of a pod does not run, and whether waiting is of no use.
func waitingFor(p *corev1.Pod) (reason string, hopeless bool) {
	for _, c := range p.Status.ContainerStatuses {
		if w := c.State.Waiting; w != nil {
			reason = strings.TrimSuffix(w.Reason+": "+w.Message, ": ")
			switch w.Reason {
			case "ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull":
				return fmt.Sprintf("%s (--image %s)", reason, c.Image), true
			}
		}
	}
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse {
			reason = c.Message
		}
	}
	return reason, false
}
