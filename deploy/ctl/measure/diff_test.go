package measure

import (
	"strings"
	"testing"
)

func TestDiffShowsTwoReportsSideBySide(t *testing.T) {
	a, b := example(t), rolled(t)
	b.Lost, b.Causes, b.Lanes = 0, map[string]int{"timeout": 1}, b.Lanes[:1]
	var out strings.Builder
	if err := Diff(&out, "before.json", "after.json", a, b); err != nil {
		t.Fatal(err)
	}
	lines := map[string]string{}
	for line := range strings.Lines(out.String()) {
		fields := strings.Join(strings.Fields(line), " ")
		lines[fields] = line
	}
	for _, want := range []string{"before.json after.json", "lost 3 0", "lost: 502 2 0", "lost: timeout 0 1",
		"POST HTTP/1.1 new, lost 2 of 30 –", "load balancer's delay – at least 4.0 s", "slowest pod, t0 to end – 3.9 s"} {
		if lines[want] == "" {
			t.Errorf("no line %q in\n%s", want, out.String())
		}
	}
}
