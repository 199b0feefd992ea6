package main

import (
	"syscall"
	"testing"
)

func TestParseSmaps(t *testing.T) {
	const text = `55e8c0a00000-7ffd3a9fe000 ---p 00000000 00:00 0                  [rollup]
Rss:                1024 kB
Pss:                 512 kB
Pss_Dirty:           100 kB
`
	got, err := parseSmaps(text)
	if want := (memory{RSS: 1024 * 1024, PSS: 512 * 1024}); err != nil || got != want {
		t.Errorf("parseSmaps = %+v, %v, want %+v", got, err, want)
	}
	for _, text := range []string{"", "Rss: 10 kB\n", "Rss: x kB\nPss: 1 kB\n"} {
		if _, err := parseSmaps(text); err == nil {
			t.Errorf("parseSmaps(%q) has no error", text)
		}
	}
}

func TestGroupMemoryOfThisTest(t *testing.T) {
	m, err := groupMemory(syscall.Getpgrp())
	if err != nil {
		t.Fatal(err)
	}
	if m.RSS < 1e6 || m.PSS <= 0 || m.PSS > m.RSS {
		t.Errorf("resident memory is %+v", m)
	}
}
