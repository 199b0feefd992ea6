package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

func TestStrippedSizeAgreesWithStrip(t *testing.T) {
	strip, err := exec.LookPath("strip")
	if err != nil {
		t.Skip("strip is not installed: apt-get install binutils")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	stripped := filepath.Join(t.TempDir(), "stripped")
	if text, err := exec.Command(strip, "-o", stripped, self).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	info, err := os.Stat(stripped)
	if err != nil {
		t.Fatal(err)
	}
	got, err := strippedSize(self)
	if err != nil {
		t.Fatal(err)
	}
	// Headers and padding of the sections that go are not worth counting.
	if ratio := got / float64(info.Size()); ratio < 0.99 || ratio > 1.01 {
		t.Errorf("size %.0f, strip leaves %d", got, info.Size())
	}
}

func TestStrippedSizeRefusesOtherFiles(t *testing.T) {
	if size, err := strippedSize("binary_test.go"); err == nil {
		t.Errorf("a source file is a binary of %.0f bytes", size)
	}
}
