package inject

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"sigs.k8s.io/yaml"

	"lameduck/deploy/ctl/mode"
)

// limitRange returns a LimitRange with one item in YAML.
func limitRange(t testing.TB, item string) *corev1.LimitRange {
	t.Helper()
	l := &corev1.LimitRange{}
	l.Name = "limits"
	l.Spec.Limits = make([]corev1.LimitRangeItem, 1)
	if err := yaml.UnmarshalStrict([]byte(item), &l.Spec.Limits[0]); err != nil {
		t.Fatal(err)
	}
	return l
}

// quota returns a ResourceQuota for some names.
func quota(names ...corev1.ResourceName) *corev1.ResourceQuota {
	q := &corev1.ResourceQuota{}
	q.Spec.Hard = corev1.ResourceList{}
	for _, name := range names {
		q.Spec.Hard[name] = resource.MustParse("100")
	}
	return q
}

// admits returns the errors of the API server for a pod: those of its validation and of its
// admission plugins LimitRanger and ResourceQuota.
func admits(pod *corev1.PodSpec, l limits) error {
	var errs []error
	total := corev1.ResourceRequirements{Requests: corev1.ResourceList{}, Limits: corev1.ResourceList{}}
	for _, c := range allContainers(pod) {
		r := defaulted(c.Resources, l)
		for name, request := range r.Requests {
			if limit, is := r.Limits[name]; is && request.Cmp(limit) > 0 {
				errs = append(errs, fmt.Errorf("%s: the request of %s is above the limit", c.Name, name))
			}
		}
		for _, q := range l.quotas {
			errs = append(errs, countedBy(q, c.Name, r))
		}
		errs = append(errs, constrained(c.Name, corev1.LimitTypeContainer, r, l))
		if c.serves() {
			add(total.Requests, r.Requests)
			add(total.Limits, r.Limits)
		}
	}
	return errors.Join(append(errs, constrained("pod", corev1.LimitTypePod, total, l))...)
}

// defaulted returns the resources of a container with the defaults of the API and of LimitRanges.
func defaulted(r corev1.ResourceRequirements, l limits) corev1.ResourceRequirements {
	r = *r.DeepCopy()
	for _, each := range l.ranges {
		for _, item := range each.Spec.Limits {
			if item.Type != corev1.LimitTypeContainer {
				continue
			}
			for name, q := range item.Default {
				setAbsent(&r.Limits, name, q)
			}
			for name, q := range item.DefaultRequest {
				setAbsent(&r.Requests, name, q)
			}
		}
	}
	for name, q := range r.Limits {
		setAbsent(&r.Requests, name, q)
	}
	return r
}

func add(total, list corev1.ResourceList) {
	for name, q := range list {
		sum := total[name]
		sum.Add(q)
		total[name] = sum
	}
}

func countedBy(q *corev1.ResourceQuota, container string, r corev1.ResourceRequirements) error {
	for name := range q.Spec.Hard {
		c := counted[name]
		list := r.Requests
		if c.limit {
			list = r.Limits
		}
		if _, is := list[c.name]; c.name != "" && !is {
			return fmt.Errorf("%s must specify %s", container, name)
		}
	}
	return nil
}

func constrained(what string, kind corev1.LimitType, r corev1.ResourceRequirements, l limits) error {
	var errs []error
	for _, each := range l.ranges {
		for _, item := range each.Spec.Limits {
			if item.Type != kind {
				continue
			}
			for name, least := range item.Min {
				request, is := r.Requests[name]
				limit, limited := r.Limits[name]
				if !is || request.Cmp(least) < 0 || limited && limit.Cmp(least) < 0 {
					errs = append(errs, fmt.Errorf("%s: less %s than %s", what, name, least.String()))
				}
			}
			for name, most := range item.Max {
				request := r.Requests[name]
				limit, limited := r.Limits[name]
				if !limited || limit.Cmp(most) > 0 || request.Cmp(most) > 0 {
					errs = append(errs, fmt.Errorf("%s: more %s than %s, or no limit", what, name, most.String()))
				}
			}
			for name, ratio := range item.MaxLimitRequestRatio {
				request, limit := r.Requests[name], r.Limits[name]
				if request.IsZero() || limit.IsZero() ||
					limit.AsApproximateFloat64()/request.AsApproximateFloat64() > ratio.AsApproximateFloat64()*1.0001 {
					errs = append(errs, fmt.Errorf("%s: %s of %s and %s", what, name, limit.String(), request.String()))
				}
			}
		}
	}
	return errors.Join(errs...)
}

const webResources = "image: web:1\n      resources: { requests: { cpu: 500m, memory: 512Mi }, " +
	"limits: { cpu: 500m, memory: 512Mi } }"

// Lameduck's container fits the namespace, and the pod is still admitted.
func TestAdmissionAcceptsLameduck(t *testing.T) {
	for name, tc := range map[string]struct {
		limits          limits
		requests, limit string // of Lameduck's container
	}{
		"nothing demanded": {limits{}, "cpu 250m memory 256Mi", "cpu 250m memory 256Mi"}, // it is Guaranteed
		"a small maximum": {
			limits{ranges: []*corev1.LimitRange{limitRange(t, "{type: Container, max: {memory: 512Mi, cpu: 500m}, "+
				"maxLimitRequestRatio: {cpu: 1}}")}},
			"cpu 250m memory 256Mi", "cpu 250m memory 256Mi",
		},
		"a maximum for the pod": {
			limits{ranges: []*corev1.LimitRange{limitRange(t, "{type: Pod, max: {memory: 600Mi}}")}},
			"cpu 250m memory 88Mi", "cpu 250m memory 88Mi",
		},
		"a quota of everything": {
			limits{quotas: []*corev1.ResourceQuota{quota("limits.cpu", "requests.memory", "pods")}},
			"cpu 250m memory 256Mi", "cpu 250m memory 256Mi",
		},
	} {
		for _, shape := range []Shape{Native, Plain, Wrapper} {
			w := Workload{Kind: "Deployment", Template: edited(t, "image: web:1", webResources+"\n      command: [/web]"),
				Around: tc.limits.around()}
			p, err := Inject(w, in(shape))
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if shape == Wrapper && name == "a maximum for the pod" {
				tc.requests, tc.limit = "cpu 250m memory 256Mi", "cpu 250m memory 256Mi" // it exits before the app starts
			}
			r := find(&p.Template.Spec, sidecarName).Resources
			if got := quantities(r.Requests); got != tc.requests {
				t.Errorf("%s, %s: requests %s, want %s", name, shape, got, tc.requests)
			}
			if got := quantities(r.Limits); got != tc.limit {
				t.Errorf("%s, %s: limits %s, want %s", name, shape, got, tc.limit)
			}
			if err := admits(&p.Template.Spec, tc.limits); err != nil || !isGuaranteed(&p.Template.Spec) {
				t.Errorf("%s, %s: refused: %v", name, shape, err)
			}
		}
	}
}

func quantities(list corev1.ResourceList) string {
	var all []string
	for _, name := range []corev1.ResourceName{"cpu", "memory", "ephemeral-storage"} {
		if q, is := list[name]; is {
			all = append(all, string(name)+" "+q.String())
		}
	}
	return strings.Join(all, " ")
}

// Whatever a namespace demands: a pod that was admitted is admitted with Lameduck, or is refused by
// Inject, which does not change it.
func TestAPodThatIsAdmittedStaysAdmitted(t *testing.T) {
	const seed = 3
	random := rand.New(rand.NewPCG(seed, 2))
	checked := 0
	for range 2000 {
		l := randomLimits(random)
		before := template(t, web)
		before.Spec.Containers[0].Resources = randomResources(random)
		if admits(&before.Spec, l) != nil {
			continue
		}
		p, err := Inject(Workload{Kind: "Deployment", Template: before, Around: l.around()}, defaults())
		if err != nil {
			continue
		}
		checked++
		if err := admits(&p.Template.Spec, l); err != nil {
			text, _ := yaml.Marshal(l)
			t.Fatalf("refused: %v\n%s\nresources %v", err, text, find(&p.Template.Spec, sidecarName).Resources)
		}
		if isGuaranteed(&before.Spec) != isGuaranteed(&p.Template.Spec) {
			t.Fatalf("another QoS class: %v and %v", before.Spec.Containers[0].Resources,
				find(&p.Template.Spec, sidecarName).Resources)
		}
	}
	if checked < 200 {
		t.Errorf("only %d pods are checked", checked)
	}
}

// around returns a namespace with the limits.
func (l limits) around() *mode.Around {
	a := &mode.Around{LimitRanges: l.ranges, Quotas: l.quotas}
	if l.assignsUsers {
		a.Annotations = map[string]string{uidRange: "1000650000/10000"}
	}
	return a
}

func pick(r *rand.Rand, of ...string) string { return of[r.IntN(len(of))] }

func randomList(r *rand.Rand) corev1.ResourceList {
	list := corev1.ResourceList{}
	if q := pick(r, "", "", "5m", "100m", "300m", "1", "4"); q != "" {
		list["cpu"] = resource.MustParse(q)
	}
	if q := pick(r, "", "", "16Mi", "100Mi", "256Mi", "1Gi", "8Gi"); q != "" {
		list["memory"] = resource.MustParse(q)
	}
	return list
}

func randomResources(r *rand.Rand) corev1.ResourceRequirements {
	both := corev1.ResourceRequirements{Requests: randomList(r), Limits: randomList(r)}
	if r.IntN(3) == 0 {
		both.Requests = both.Limits
	}
	return both
}

func randomLimits(r *rand.Rand) limits {
	var l limits
	for range r.IntN(3) {
		item := corev1.LimitRangeItem{Type: corev1.LimitTypeContainer}
		if r.IntN(3) == 0 {
			item.Type = corev1.LimitTypePod
		}
		if r.IntN(2) == 0 {
			item.Max = randomList(r)
		}
		if r.IntN(3) == 0 {
			item.Min = randomList(r)
		}
		if r.IntN(3) == 0 && item.Type == corev1.LimitTypeContainer {
			item.Default = randomList(r)
		}
		if r.IntN(4) == 0 {
			item.MaxLimitRequestRatio = corev1.ResourceList{"cpu": resource.MustParse(pick(r, "1", "2", "10"))}
		}
		l.ranges = append(l.ranges, &corev1.LimitRange{Spec: corev1.LimitRangeSpec{
			Limits: []corev1.LimitRangeItem{item},
		}})
	}
	if r.IntN(3) == 0 {
		l.quotas = append(l.quotas, quota(corev1.ResourceName(pick(r, "limits.cpu", "requests.cpu", "memory",
			"limits.memory", "limits.ephemeral-storage", "requests.ephemeral-storage", "pods"))))
	}
	return l
}

func TestAPodWithItsOwnResourcesIsShared(t *testing.T) {
	before := edited(t, "spec:\n", "spec:\n  resources: { limits: { memory: 1Gi } }\n")
	after, _ := injected(t, before, defaults())
	r := find(&after.Spec, sidecarName).Resources
	if quantities(r.Requests) != "" || quantities(r.Limits) != "" {
		t.Errorf("the app requests no CPU, and a LimitRange may add that: got %v", r)
	}
	before = edited(t, "spec:\n", "spec:\n  resources: { limits: { memory: 1Gi } }\n")
	before.Spec.Containers[0].Resources.Requests = corev1.ResourceList{"cpu": resource.MustParse("1")}
	after, _ = injected(t, before, defaults())
	r = find(&after.Spec, sidecarName).Resources
	if quantities(r.Requests) != "cpu 10m" || quantities(r.Limits) != "" {
		t.Errorf("the app requests CPU: got %v", r)
	}
}

func TestAQuotaByClassKeepsTheClass(t *testing.T) {
	q := quota("pods")
	q.Spec.Scopes = []corev1.ResourceQuotaScope{corev1.ResourceQuotaScopeNotBestEffort}
	p, err := Inject(Workload{Kind: "Deployment", Template: template(t, web),
		Around: &mode.Around{Quotas: []*corev1.ResourceQuota{q}}}, defaults())
	if err != nil || !isBestEffort(&p.Template.Spec) {
		t.Errorf("resources %v, error %v", find(&p.Template.Spec, sidecarName), err)
	}
}

func TestALimitRangeWithoutRoomIsRefused(t *testing.T) {
	w := Workload{Kind: "Deployment", Template: edited(t, "image: web:1", webResources)}
	w.Around = &mode.Around{LimitRanges: []*corev1.LimitRange{limitRange(t, "{type: Pod, max: {memory: 512Mi}}")}}
	_, err := Inject(w, defaults())
	if refusals := Refusals(err); len(refusals) != 1 || !strings.Contains(refusals[0].Why, "LimitRange limits") {
		t.Errorf("error %v", err)
	}
}

// filled returns a quota of a cluster, for one resource.
func filled(t *testing.T, hard, used, spec string) *corev1.ResourceQuota {
	t.Helper()
	q := &corev1.ResourceQuota{}
	if err := yaml.UnmarshalStrict([]byte(spec), &q.Spec); err != nil {
		t.Fatal(err)
	}
	for name := range q.Spec.Hard {
		q.Spec.Hard[name] = resource.MustParse(hard)
		q.Status.Hard = q.Spec.Hard
		q.Status.Used = corev1.ResourceList{name: resource.MustParse(used)}
	}
	return q
}

// The pod has 500m CPU and 512Mi of memory, and Lameduck 250m and 256Mi, as it is Guaranteed.
func TestAFullQuotaHasThePodWithoutLameduck(t *testing.T) {
	for name, tc := range map[string]struct {
		hard, used, spec string
		refused          bool
	}{
		"room for both":            {"10", "9.25", "hard: { requests.cpu: 0 }", false},
		"room for the app":         {"10", "9.3", "hard: { requests.cpu: 0 }", true},
		"room for the app's limit": {"1Gi", "512Mi", "hard: { limits.memory: 0 }", true},
		"room for neither":         {"10", "9.6", "hard: { requests.cpu: 0 }", false}, // refused without us too
		"of another resource":      {"10", "10", "hard: { pods: 0 }", false},
		"of other pods":            {"10", "9.3", "{ hard: { cpu: 0 }, scopes: [BestEffort] }", false},
		"of these pods":            {"10", "9.3", "{ hard: { cpu: 0 }, scopes: [NotTerminating, NotBestEffort] }", true},
		"of another priority": {"10", "9.3", "{ hard: { cpu: 0 }, scopeSelector: { matchExpressions: " +
			"[{ scopeName: PriorityClass, operator: In, values: [high] }] } }", false},
		"of no priority": {"10", "9.3", "{ hard: { cpu: 0 }, scopeSelector: { matchExpressions: " +
			"[{ scopeName: PriorityClass, operator: DoesNotExist }] } }", true},
	} {
		_, err := Inject(Workload{Kind: "Deployment", Template: edited(t, "image: web:1", webResources),
			Around: &mode.Around{Quotas: []*corev1.ResourceQuota{filled(t, tc.hard, tc.used, tc.spec)}}}, defaults())
		refused := strings.Contains(fmt.Sprint(err), "left, which is too little")
		if refused != tc.refused || err != nil && !refused {
			t.Errorf("%s: error %v, want refused: %v", name, err, tc.refused)
		}
	}
}

// A namespace of OpenShift assigns user ids, and refuses any other.
func TestAFixedUserIsNotSetWhereUsersAreAssigned(t *testing.T) {
	for name, tc := range map[string]struct {
		limits      limits
		annotations map[string]string
		context     string
		want        string
	}{
		"anywhere":               {limits{}, nil, "", "65532"},
		"by the namespace":       {limits{assignsUsers: true}, nil, "", ""},
		"by the pod":             {limits{}, map[string]string{assignedSCC: "restricted-v2"}, "", ""},
		"a user that was chosen": {limits{assignsUsers: true}, nil, `{"runAsUser": 1000650000}`, "1000650000"},
		"none by the setting":    {limits{}, nil, `{"runAsUser": null}`, ""},
	} {
		before := template(t, web)
		before.Annotations = tc.annotations
		s := defaults()
		if tc.context != "" {
			if err := s.Set("security-context", tc.context); err != nil {
				t.Fatal(err)
			}
		}
		p, err := Inject(Workload{Kind: "Deployment", Template: before, Around: tc.limits.around()}, s)
		if err != nil {
			t.Fatal(err)
		}
		c, got := find(&p.Template.Spec, sidecarName).SecurityContext, ""
		if c.RunAsUser != nil {
			got = fmt.Sprint(*c.RunAsUser)
		}
		if got != tc.want || !*c.RunAsNonRoot || (tc.limits.assignsUsers && c.RunAsGroup != nil) {
			t.Errorf("%s: user %q, want %q", name, got, tc.want)
		}
	}
}

func TestPullSecretsAreAddedAndRemoved(t *testing.T) {
	for _, own := range []string{"spec:\n", "spec:\n  imagePullSecrets: [{ name: own }]\n",
		"spec:\n  imagePullSecrets: [{ name: ours }]\n"} {
		before := edited(t, "spec:\n", own)
		s := defaults()
		s.PullSecrets = []string{"ours"}
		after, _ := injected(t, before, s)
		last := after.Spec.ImagePullSecrets[len(after.Spec.ImagePullSecrets)-1]
		if last.Name != "ours" {
			t.Errorf("got %v", after.Spec.ImagePullSecrets)
		}
		if again, p := injected(t, after, s); len(p.Patch) > 0 || !reflect.DeepEqual(again, after) {
			t.Errorf("the second time it becomes %v", again.Spec.ImagePullSecrets)
		}
		if back := uninjected(t, after); !reflect.DeepEqual(back, before) {
			t.Errorf("restored %v", back.Spec.ImagePullSecrets)
		}
	}
}

// An autoscaler would see a lower utilization.
func TestWhatAGuaranteedPodCostsMoreIsNoted(t *testing.T) {
	for resources, want := range map[string]bool{
		"{ limits: { cpu: 500m, memory: 1Gi } }":                                    true,
		"{ limits: { cpu: 500m, memory: 1Gi }, requests: { cpu: 100m } }":           false,
		"{ requests: { cpu: 100m } }":                                               false,
		"{ limits: { cpu: 1, memory: 1Gi }, requests: { cpu: 1, memory: 1024Mi } }": true,
	} {
		_, p := injected(t, edited(t, "image: web:1", "image: web:1\n      resources: "+resources), defaults())
		if got := strings.Contains(notes(p), "250m of CPU: a HorizontalPodAutoscaler"); got != want {
			t.Errorf("%s: the notes are %s", resources, notes(p))
		}
	}
}

// The container that installs the wrapper has exited when the app starts, so the pod counts for the
// larger of the two.
func TestTheWrapperNeedsNoRoomBesideTheApp(t *testing.T) {
	ranges := &mode.Around{LimitRanges: []*corev1.LimitRange{limitRange(t, "{type: Pod, max: {memory: 512Mi, cpu: 500m}}")}}
	quotas := &mode.Around{Quotas: []*corev1.ResourceQuota{filled(t, "10", "9.5", "hard: { requests.cpu: 0 }")}}
	for name, around := range map[string]*mode.Around{"a LimitRange": ranges, "a quota": quotas} {
		w := Workload{
			Kind: "Deployment", Template: edited(t, "image: web:1", webResources+"\n      command: [/web]"), Around: around,
		}
		p, err := Inject(w, in(Wrapper))
		if err != nil {
			t.Errorf("%s: error %v", name, err)
			continue
		}
		if strings.Contains(notes(p), "HorizontalPodAutoscaler") {
			t.Errorf("%s: the notes are %s", name, notes(p))
		}
		if _, err := Inject(w, defaults()); err == nil {
			t.Errorf("%s: a sidecar is not refused", name)
		}
	}
}
