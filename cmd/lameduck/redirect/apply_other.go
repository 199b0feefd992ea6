//go:build !linux

package redirect

import "errors"

// Apply returns an error: there is no netfilter.
func (r *Rules) Apply(map[string]string) error {
	return errors.New("the rules need Linux: leave redirect out, and let clients connect to the relay's port")
}
