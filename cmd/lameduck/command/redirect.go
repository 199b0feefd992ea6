package command

import (
	"fmt"
	"io"
	"strings"

	"lameduck/cmd/lameduck/config"
	"lameduck/cmd/lameduck/redirect"
)

// makeRedirect creates the rules that redirect the app's ports to the relay. It is the command of
// an init container: the rules last as long as the pod's network namespace.
func makeRedirect(args, environ []string, stdout io.Writer) error {
	rules, err := redirect.Parse(args)
	if err != nil {
		return usageError("redirect: " + err.Error())
	}
	if err := rules.Apply(config.ToMap(environ)); err != nil {
		return fmt.Errorf("redirect: %w", err)
	}
	var made []string
	for _, r := range rules.Ports {
		made = append(made, fmt.Sprintf("port %d leads to the relay at %d", r.From, r.To))
	}
	for _, r := range rules.Direct {
		made = append(made, fmt.Sprintf("port %d leads around it to %d", r.From, r.To))
	}
	_, err = fmt.Fprintln(stdout, "redirected: "+strings.Join(made, ", "))
	return err
}
