package inject

import (
	"encoding/json"
	"reflect"
	"strings"
)

// covers says whether an object has all that is wanted. It may have more: what the API server fills in where nobody says anything, and
// what other webhooks add. Only variables of Lameduck must be none but those that are wanted.
func covers(has, wanted any) bool {
	if reflect.DeepEqual(has, wanted) {
		return true
	}
	var h, w any
	return generic(has, &h) && generic(wanted, &w) && coversValue(h, w)
}

// generic reads a value back as maps and slices.
func generic(value any, into *any) bool {
	text, err := json.Marshal(value)
	return err == nil && json.Unmarshal(text, into) == nil
}

func coversValue(has, wanted any) bool {
	switch wanted := wanted.(type) {
	case map[string]any:
		has, is := has.(map[string]any)
		if !is {
			return false
		}
		for key, w := range wanted {
			if h, there := has[key]; !there || !coversValue(h, w) {
				return false
			}
		}
		return true
	case []any:
		has, is := has.([]any)
		return is && coversList(has, wanted)
	}
	return has == wanted
}

// coversList compares what has names by name and all else by its place.
func coversList(has, wanted []any) bool {
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
		if !coversValue(h[name], value) {
			return false
		}
	}
	return true
}

// byName returns the elements of a list of objects by their names; false: they have none.
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
