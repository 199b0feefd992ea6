package inject

import (
	"encoding/json"
	"reflect"
	"strings"
)

// subsumes reports whether a value has all wanted fields. It may have more, such as defaults of the
// API server and what other webhooks add. Extra LAMEDUCK_ variables are not allowed.
func subsumes(has, wanted any) bool {
	if reflect.DeepEqual(has, wanted) {
		return true
	}
	var h, w any
	return generic(has, &h) && generic(wanted, &w) && subsumesValue(h, w)
}

// generic converts a value to maps and slices.
func generic(value any, into *any) bool {
	text, err := json.Marshal(value)
	return err == nil && json.Unmarshal(text, into) == nil
}

func subsumesValue(has, wanted any) bool {
	switch wanted := wanted.(type) {
	case map[string]any:
		has, is := has.(map[string]any)
		if !is {
			return false
		}
		for key, w := range wanted {
			if h, there := has[key]; !there || !subsumesValue(h, w) {
				return false
			}
		}
		return true
	case []any:
		has, is := has.([]any)
		return is && subsumesList(has, wanted)
	}
	return has == wanted
}

// subsumesList compares elements that have names by name, and others by position.
func subsumesList(has, wanted []any) bool {
	h, named := byName(has)
	w, wantedNamed := byName(wanted)
	if !named || !wantedNamed {
		return reflect.DeepEqual(has, wanted)
	}
	for name := range h {
		if _, is := w[name]; !is && strings.HasPrefix(name, "LAMEDUCK_") {
			return false
		}
	}
	for name, value := range w {
		if !subsumesValue(h[name], value) {
			return false
		}
	}
	return true
}

// byName returns a list of objects by name, or false if they have no names.
func byName(list []any) (map[string]any, bool) {
	named := make(map[string]any, len(list))
	for _, element := range list {
		object, is := element.(map[string]any)
		name, has := object["name"].(string)
		if !is || !has {
			return nil, false
		}
		named[name] = object
	}
	return named, true
}
