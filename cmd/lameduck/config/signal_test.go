package config

import (
	"slices"
	"testing"
)

func TestParseStopSignal_TakesEveryFormOfImagesAndManifests(t *testing.T) {
	for text, want := range map[string]string{
		"SIGQUIT": "SIGQUIT", "QUIT": "SIGQUIT", "sigquit": "SIGQUIT", "3": "SIGQUIT", "15": "SIGTERM",
		"28": "SIGWINCH", "SIGIOT": "SIGABRT", "POLL": "SIGIO",
		"SIGRTMIN+3": "SIGRTMIN+3", "RTMIN+3": "SIGRTMIN+3", "37": "SIGRTMIN+3", "SIGRTMAX-27": "SIGRTMIN+3",
		"SIGRTMAX": "SIGRTMIN+30", "64": "SIGRTMIN+30", "35": "SIGRTMIN+1",
	} {
		if got, ok := ParseStopSignal(text); !ok || got != want {
			t.Errorf("%q is %q (%v), want %q", text, got, ok, want)
		}
	}
}

func TestParseStopSignal_RefusesWhatCannotBeCaught(t *testing.T) {
	for _, text := range []string{
		"", "SIG", "FOO", "SIGKILL", "9", "STOP", "19", "CHLD", "SIGSEGV", "SIGURG", "0", "-1", "65", "1e1",
		"SIGRTMIN", "34", "33", "32", "SIGRTMIN-1", "SIGRTMIN+31", "SIGRTMIN3", "SIGRTMIN+", "SIGRTMAX+1",
		"SIGRTMAX-30", "SIGRTMIN++3", "SIGQUIT ",
	} {
		if got, ok := ParseStopSignal(text); ok {
			t.Errorf("%q is %q, want none", text, got)
		}
	}
}

func TestStopSignals_AreTheirOwnNames(t *testing.T) {
	for _, name := range StopSignals() {
		if got, ok := ParseStopSignal(name); !ok || got != name {
			t.Errorf("%s is %q (%v)", name, got, ok)
		}
	}
	if !slices.Contains(StopSignals(), "SIGTERM") {
		t.Error("SIGTERM is not a stop signal")
	}
}
