package manifest

import (
	"strings"
	"testing"
)

const broken = `kind: ConfigMap
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  template:
    spec:
      containers:
        - name: web
          image: web:1
          ports: [{ name: http, containerPort: 3000 }]
          resources: { limits: { memory: 64Mi } }
`

// An error has the position of the invalid value, and no name of a Go type.
func TestAValueThatDoesNotFitIsNamed(t *testing.T) {
	for name, tc := range map[string]struct{ from, to, want string }{
		"a name as a number": {"3000", "http",
			"f.yaml:12:33: Deployment web: spec.template.spec.containers[0].ports[0].containerPort: must be an integer, got string"},
		"a quantity": {"64Mi", "64MB",
			"f.yaml:13:34: Deployment web: spec.template.spec.containers[0].resources.limits.memory: quantities must match"},
		"an object as a list": {"ports: [{ name: http, containerPort: 3000 }]", "ports: { http: 3000 }",
			"f.yaml:12:11: Deployment web: spec.template.spec.containers[0].ports: must be a list, got object"},
		"a list as an object": {"resources: { limits: { memory: 64Mi } }", "resources: [64Mi]",
			"f.yaml:13:11: Deployment web: spec.template.spec.containers[0].resources: must be an object, got array"},
		"a text as true or false": {"image: web:1", "image: web:1\n          stdin: 'yes'",
			"f.yaml:12:11: Deployment web: spec.template.spec.containers[0].stdin: must be true or false, got string"},
		"a key twice": {"image: web:1", "image: web:1\n          image: web:2",
			`f.yaml:12: Deployment web: mapping key "image" already defined at line 11`},
		"a parameter": {"64Mi", "'${MEMORY}'",
			"f.yaml:13:34: Deployment web: spec.template.spec.containers[0].resources.limits.memory: quantities must match"},
		"a parameter, with what to do": {"3000", "'${PORT}'", "must be an integer, got string; if this is a parameter of a template"},
		"a template of Helm":           {"web:1", "{{ .Values.image }}", "render it first: helm template"},
	} {
		text := strings.Replace(broken, tc.from, tc.to, 1)
		_, err := parse(t, text).Objects()[1].Workload()
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: error %v\nwant %s", name, err, tc.want)
		}
	}
}

// Of two values that fail in the same way one is named.
func TestOneOfSeveralMisfitsIsNamed(t *testing.T) {
	text := strings.Replace(broken, "3000 }", "a }, { containerPort: b }", 1)
	_, err := parse(t, text).Objects()[1].Workload()
	if err == nil || !strings.Contains(err.Error(), "containers[0].ports[1].containerPort: must be an integer") {
		t.Errorf("error %v", err)
	}
}

func TestATemplateOfHelmIsRecognized(t *testing.T) {
	_, err := Parse("f.yaml", []byte("a: 1\n---\n{{- if .Values.a }}\nkind: Pod\n{{- end }}\n"))
	if err == nil || !strings.HasPrefix(err.Error(), "f.yaml:2: ") || !strings.Contains(err.Error(), "helm template") {
		t.Errorf("error %v", err)
	}
}

func TestAnObjectThatGetsItsNameLaterIsNamed(t *testing.T) {
	o := parse(t, "kind: Pod\nmetadata: { generateName: web- }\n").Objects()[0]
	if got := o.String(); got != "Pod web-" {
		t.Errorf("it is called %q", got)
	}
}
