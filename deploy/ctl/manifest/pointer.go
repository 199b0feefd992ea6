package manifest

import (
	"regexp"
	"strings"

	"lameduck/deploy/ctl/jsonpatch"
)

// fieldStep is one step of a field's path: .name, [0] or [key].
var fieldStep = regexp.MustCompile(`\.?([^.\[\]]+)|\[([^\]]+)\]`)

// Pointer returns a field's path, such as spec.containers[0].image or
// metadata.annotations[lameduck.dev/lb-delay], as a JSON Pointer (RFC 6901).
func Pointer(field string) string {
	var p strings.Builder
	for _, m := range fieldStep.FindAllStringSubmatch(field, -1) {
		p.WriteString("/" + jsonpatch.Escape(m[1]+m[2]))
	}
	return p.String()
}
