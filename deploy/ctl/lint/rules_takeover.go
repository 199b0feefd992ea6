package lint

import (
	"fmt"

	"lameduck/deploy/ctl/inject"
)

// takeoverRules check pods whose ports Lameduck takes over.
var takeoverRules = []Rule{
	{
		ID: "takeover-without-child", Severity: Error,
		Title: "a port cannot be taken over, as the app is not Lameduck's child",
		Explanation: `A route such as 8080=takeover moves the bind of Lameduck's child, lameduck exec -- COMMAND.
A sidecar has no child, so it does not start. Use the shape wrapper, or a route with two ports such as
18080=8080.`,
		check: eachProtected(takeoverWithoutChild),
	},
}

func takeoverWithoutChild(_ *workload, d *sidecar, report objectReporter) {
	if d.shape == inject.Wrapper {
		return
	}
	for _, r := range d.config.Routes {
		if r.Takeover {
			port := portOf(r.Listen)
			report(d.setting(routesVariable),
				fmt.Sprintf("port %d is to be taken over from a child, and Lameduck runs beside the app, so it does "+
					"not start", port),
				"use the shape wrapper, or a route with two ports")
		}
	}
}
