package config

import (
	"strings"
	"testing"
)

const canary = "c4n4ry"

// TestErrors_HaveNoSecrets sets every variable to values that may be a secret.
func TestErrors_HaveNoSecrets(t *testing.T) {
	values := []string{
		"-----BEGIN PRIVATE KEY-----\n" + canary + "\n-----END PRIVATE KEY-----\n",
		"postgres://user:" + canary + "@db:5432/app",
		"user:" + canary + "@db:5432",
		"18080=user:" + canary + "@app:8080",
		"18080=8080;token=" + canary,
		"/healthz?token=" + canary,
		canary + "/+AAAAAAAAAAAAAAA==",
		strings.Repeat(canary, 20),
		"\x00" + canary,
	}
	for _, v := range append(Variables(), Variable{Name: "LAMEDUCK_PASSWORD"}) {
		for _, value := range values {
			if _, err := Parse(map[string]string{v.Name: value}); err != nil && strings.Contains(err.Error(), canary) {
				t.Errorf("%s=%q is refused with the value: %v", v.Name, value, err)
			}
		}
	}
}

// TestErrors_OfVariablesThatMayHoldSecretsHaveNoValues sets them to values that look harmless.
func TestErrors_OfVariablesThatMayHoldSecretsHaveNoValues(t *testing.T) {
	for _, name := range []string{
		"LAMEDUCK_PASSWORD", "LAMEDUCK_TLS_CERT", "LAMEDUCK_TLS_KEY", "LAMEDUCK_TLS_CLIENT_CA",
		"LAMEDUCK_ROUTES", "LAMEDUCK_FALLBACK", "LAMEDUCK_PROBE_PATHS", "LAMEDUCK_LB_HEALTH_PATHS",
	} {
		for _, value := range []string{canary, "app:" + canary, canary + "=80"} {
			_, err := Parse(map[string]string{name: value})
			if err == nil || strings.Contains(err.Error(), canary) {
				t.Errorf("%s: got %v, want an error without the value", name, err)
			}
		}
	}
}
