package lint

import (
	"cmp"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"lameduck/deploy/ctl/manifest"
)

// A scaler is a HorizontalPodAutoscaler, or a ScaledObject of KEDA, which makes one.
type scaler struct {
	object
	kind, name string // of the scaled object
	least      int
	setting    string // that has the least number
}

// newScaler takes what autoscaling/v1 and v2 have in common.
func newScaler(m metav1.ObjectMeta, minReplicas *int32, kind, name string) *scaler {
	least := 1
	if minReplicas != nil {
		least = int(*minReplicas)
	}
	return &scaler{newObject("HorizontalPodAutoscaler", m, nil), kind, name, least, "minReplicas"}
}

func (s *scaler) scales(w *workload) bool {
	return s.namespace() == w.namespace() && s.kind == w.Kind && s.name == w.Name
}

const scaledObject = "ScaledObject"

// addScaledObject adds a ScaledObject. Without a minimum it scales to none.
func (in *Inventory) addScaledObject(m *manifest.Object) error {
	var s struct {
		metav1.ObjectMeta `json:"metadata"`
		Spec              struct {
			ScaleTargetRef  struct{ Kind, Name string }
			MinReplicaCount int
		}
	}
	if err := m.Decode("", &s); err != nil {
		return err
	}
	in.objects++
	target := s.Spec.ScaleTargetRef
	in.scalers = append(in.scalers, &scaler{newObject(scaledObject, s.ObjectMeta, nil),
		cmp.Or(target.Kind, "Deployment"), target.Name, s.Spec.MinReplicaCount, "minReplicaCount"})
	return nil
}
