package mode

import (
	"errors"
	"strings"
)

// A Mode is how Lameduck gets to see the traffic at a port of the app.
type Mode string

// The modes.
const (
	// Auto is not a mode: Choose replaces it with one.
	Auto Mode = "auto"

	// Observe leaves the port to the app. Lameduck reads the pod's sockets from the kernel.
	Observe Mode = "observe"

	// Redirect relays the port. Netfilter redirects its connections to Lameduck within the pod.
	Redirect Mode = "redirect"

	// Takeover relays the port. Lameduck is the parent of the app and moves its bind.
	Takeover Mode = "takeover"

	// Move relays a port of its own, to which the name of the app's port then refers.
	Move Mode = "move"
)

// modes are all modes in the order of the documentation.
var modes = []Mode{Auto, Observe, Redirect, Takeover, Move}

// Names are the names of all modes, for usages and errors.
const Names = "auto, observe, redirect, takeover or move"

// Parse returns the mode with a name.
func Parse(name string) (Mode, error) {
	for _, m := range modes {
		if strings.TrimSpace(name) == string(m) {
			return m, nil
		}
	}
	return "", errors.New("must be " + Names)
}

// Relays reports whether clients connect to Lameduck, so that it can ask them to disconnect.
func (m Mode) Relays() bool { return m == Redirect || m == Takeover || m == Move }

// KeepsPorts reports whether Lameduck relays and clients connect to the same ports as without it.
func (m Mode) KeepsPorts() bool { return m == Redirect || m == Takeover }

// Annotations and labels that determine the mode.
const (
	// Annotation pins the mode of the pods of a namespace, or of a pod template.
	Annotation = "lameduck.dev/mode"

	// RedirectLabel on a namespace reports whether the API server admits pods with an init container
	// that has NET_ADMIN there.
	RedirectLabel = "lameduck.dev/redirect"
	Allowed       = "allowed"
	Refused       = "refused"

	// enforceLabel has the Pod Security level of a namespace.
	enforceLabel = "pod-security.kubernetes.io/enforce"
)
