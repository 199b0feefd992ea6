package mode

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// A Port is a port of the app to protect.
type Port struct {
	Number int32
	Name   string // may be empty
}

// A Pod is a pod for which to choose a mode.
type Pod struct {
	Template *corev1.PodTemplateSpec // read only
	Ports    []Port                  // to protect
	Asked    Mode                    // by the settings
	Wrapper  bool                    // Lameduck is to be the parent of the app
	Has      []Mode                  // modes that are available

	// NotWrapped is the reason why Lameduck cannot be the parent of the app, although the shape is
	// wrapper. It is nil otherwise.
	NotWrapped *UnavailableError
}

// A Choice is the mode for a pod.
type Choice struct {
	Mode   Mode
	Reason string
	More   string // what would give more; empty if nothing does
}

func (c Choice) String() string {
	text := string(c.Mode) + ": " + c.Reason
	if c.More != "" {
		text += "; for more: " + c.More
	}
	return text
}

// An UnavailableError is the reason why a pod cannot have the mode that was asked for.
type UnavailableError struct {
	Field       string // of the pod template
	Why, Remedy string
}

func (e *UnavailableError) Error() string { return e.Field + ": " + e.Why + ": " + e.Remedy }

// Choose returns the mode for a pod. around may be nil, which means that nothing is known. The error
// is an *UnavailableError.
func Choose(p Pod, around *Around) (Choice, error) {
	asked, by := p.asked(around)
	if asked != Auto {
		return p.explicit(asked, by, around)
	}
	if p.Template.Spec.HostNetwork {
		return Choice{}, &UnavailableError{
			"spec.hostNetwork", "Lameduck's ports would be ports of the node, where another such pod " +
				"may have them and every process reaches its control address",
			"if that is acceptable, choose a mode with the annotation " + Annotation +
				", such as observe, or opt out with the label lameduck.dev/inject=disabled",
		}
	}
	if p.NotWrapped != nil {
		return p.observeUnwrapped("shape wrapper was chosen"), nil //nolint:nilerr // it is the reason
	}
	if p.Wrapper && p.has(Takeover) {
		return Choice{Mode: Takeover, Reason: "shape wrapper"}, nil
	}
	found := around.obstacles(p)
	if len(found) == 0 {
		return Choice{Mode: Move, Reason: "every Service that selects the pods uses port names, and no " +
			"policy has the number"}, nil
	}
	refusal := around.refusesRedirect(p)
	if p.has(Redirect) && refusal == "" {
		return Choice{Mode: Redirect, Reason: found.reason()}, nil
	}
	return Choice{Mode: Observe, Reason: found.reason(), More: p.more(found, refusal)}, nil
}

// asked returns the mode that was asked for, and where. The pod template has priority over its
// namespace, and the namespace over the settings.
func (p Pod) asked(around *Around) (asked Mode, by string) {
	if _, is := p.Template.Annotations[Annotation]; is {
		return p.Asked, "the annotation " + Annotation
	}
	pin, is := around.annotation(Annotation)
	if !is {
		return p.Asked, "the settings"
	}
	asked, err := Parse(pin)
	if err != nil {
		return Observe, "default, as the annotation " + Annotation + " of the namespace " + err.Error()
	}
	return asked, "the annotation " + Annotation + " of the namespace"
}

// explicit returns the choice for a mode that was asked for.
func (p Pod) explicit(asked Mode, by string, around *Around) (Choice, error) {
	at := "metadata.annotations[" + Annotation + "]"
	switch {
	case !p.has(asked):
		return Choice{}, &UnavailableError{at, "this version has no mode " + string(asked),
			"use auto, observe or move"}
	case asked == Takeover && p.NotWrapped != nil:
		return p.observeUnwrapped("takeover was chosen by " + by), nil //nolint:nilerr // it is the reason
	case asked == Takeover && !p.Wrapper:
		return Choice{}, &UnavailableError{at, "mode takeover needs shape wrapper",
			"use the annotation lameduck.dev/shape: wrapper, or another mode"}
	case asked == Redirect && p.Template.Spec.HostNetwork:
		return Choice{}, &UnavailableError{"spec.hostNetwork", "mode redirect would redirect a port of the node",
			"use mode observe"}
	}
	if why := around.ForbidsRedirect(); asked == Redirect && why != "" {
		return Choice{Mode: Observe, Reason: "redirect was chosen by " + by + ", but the API server would refuse " +
			"the pod: the namespace " + why,
			More: "use another mode, or let the namespace admit NET_ADMIN"}, nil
	}
	c := Choice{Mode: asked, Reason: "chosen by " + by}
	if asked == Observe {
		c.More = p.moreThanObserved(around)
	}
	if p.NotWrapped != nil {
		c.Reason += ", with a sidecar, as " + p.NotWrapped.Field + ": " + p.NotWrapped.Why
	}
	return c, nil
}

// observeUnwrapped returns the choice for an app that cannot be wrapped. No other mode is guessed, as
// the wrapper leaves all ports in place.
func (p Pod) observeUnwrapped(chosen string) Choice {
	return Choice{Mode: Observe, More: p.NotWrapped.Remedy,
		Reason: chosen + ", but " + p.NotWrapped.Field + ": " + p.NotWrapped.Why}
}

// moreThanObserved returns the mode that auto would choose for a pod, if that is a better one.
func (p Pod) moreThanObserved(around *Around) string {
	if p.Template.Spec.HostNetwork {
		return ""
	}
	found := around.obstacles(p)
	if len(found) == 0 {
		return "use mode move, as every reference is by name"
	}
	return p.more(found, around.refusesRedirect(p))
}

// more returns what to change for a mode that relays.
func (p Pod) more(found obstacles, redirectRefusal string) string {
	var ways []string
	if remedy := found.remedy(); remedy != "" {
		ways = append(ways, remedy)
	}
	if p.has(Redirect) && redirectRefusal == "" {
		ways = append(ways, "use mode redirect")
	} else if p.has(Redirect) {
		ways = append(ways, "for mode redirect, "+redirectRefusal)
	}
	if p.has(Takeover) && !p.Wrapper {
		ways = append(ways, "use shape wrapper, which takes over the port")
	}
	return strings.Join(ways, "; or ")
}

func (p Pod) has(m Mode) bool { return slices.Contains(p.Has, m) }

// obstacles are the reasons why a pod's ports cannot move.
type obstacles []obstacle

type obstacle struct {
	why    string
	remedy string // empty if there is none
}

// maxObstacles bounds those that a reason lists, since it becomes an annotation.
const maxObstacles = 3

func (o obstacles) reason() string {
	return o.join(func(one obstacle) string { return one.why })
}

// remedy returns an empty string if one of the obstacles has no remedy.
func (o obstacles) remedy() string {
	if slices.ContainsFunc(o, func(one obstacle) bool { return one.remedy == "" }) {
		return ""
	}
	return o.join(func(one obstacle) string { return one.remedy })
}

func (o obstacles) join(of func(obstacle) string) string {
	var all []string
	for _, one := range o {
		if text := of(one); !slices.Contains(all, text) {
			all = append(all, text)
		}
	}
	if more := len(all) - maxObstacles; more > 0 {
		all = append(all[:maxObstacles], "and others")
	}
	return strings.Join(all, ", ")
}
