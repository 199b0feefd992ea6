package main

import (
	"testing"

	"lameduck/bench/internal/program"
)

func TestParseCaller(t *testing.T) {
	got, err := parseCaller([]byte(`{"calls":1200,"seconds":0.5}` + "\n"))
	if want := (outcome{Answers: 1200, Seconds: 0.5}); err != nil || got != want {
		t.Errorf("parseCaller = %+v, %v, want %+v", got, err, want)
	}
	for _, text := range []string{"", "calls", "{}", `{"calls":0,"seconds":1}`} {
		if got, err := parseCaller([]byte(text)); err == nil {
			t.Errorf("parseCaller(%q) = %+v without an error", text, got)
		}
	}
}

func TestRealClientUnderstandsTheAppOfGRPC(t *testing.T) {
	app := startedApp(t, grpc)
	at := app.paths
	at.Built = t.TempDir()
	if err := program.Build(t.Context(), callerProgram, at.built(callerProgram)); err != nil {
		t.Fatal(err)
	}
	if o, err := sendUntilAnswered(t, callerLoad{}, at); err != nil || o.Answers == 0 {
		t.Errorf("result of grpc-go %+v, %v", o, err)
	}
}
