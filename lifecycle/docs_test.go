package lifecycle

import (
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestTheDocumentationHasTheFieldsOfTheSummary compares the table of the drain summary in
// docs/operating.md with the log line and with the status.
func TestTheDocumentationHasTheFieldsOfTheSummary(t *testing.T) {
	logged, stated := documentedFields(t)
	config := testConfig
	config.Observed = func() Observed { return Observed{Connections: 1} }
	onStage(t, config, external, func(s *stage) {
		s.events <- StopSignal
		time.Sleep(5 * time.Second)
		s.wantsEnd()
		got := slices.Sorted(maps.Keys(s.logs.FilterMessage("stopped").All()[0].ContextMap()))
		if !slices.Equal(logged, got) {
			t.Errorf("docs/operating.md has the fields\n%q, the log line has\n%q", logged, got)
		}
	})
	var got []string
	for field := range reflect.TypeFor[drainStatus]().Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		got = append(got, name)
	}
	slices.Sort(got)
	if !slices.Equal(stated, got) {
		t.Errorf("docs/operating.md has the keys\n%q, the status has\n%q", stated, got)
	}
}

// documentedFields returns the names in the first two columns of the table, sorted.
func documentedFields(t *testing.T) (logged, stated []string) {
	t.Helper()
	page, err := os.ReadFile("../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(page), "\n### Its fields\n")
	section, _, _ = strings.Cut(section, "\n## ")
	name := regexp.MustCompile("`([^`]+)`")
	for l := range strings.Lines(section) {
		columns := strings.Split(l, "|")
		if len(columns) < 5 {
			continue
		}
		for _, m := range name.FindAllStringSubmatch(columns[1], -1) {
			logged = append(logged, m[1])
		}
		for _, m := range name.FindAllStringSubmatch(columns[2], -1) {
			stated = append(stated, m[1])
		}
	}
	slices.Sort(logged)
	slices.Sort(stated)
	return logged, stated
}
