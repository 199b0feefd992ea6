package procfs

import (
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestRead_ThisProcess(t *testing.T) {
	text, err := Read(os.Getpid(), "status")
	if err != nil || !strings.Contains(text, "VmRSS:") {
		t.Errorf("got %q, %v", text, err)
	}
}

func TestRead_ProcessThatHasEnded(t *testing.T) {
	cmd := exec.Command("true")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pid := cmd.Process.Pid
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		if stat, err := Read(pid, "stat"); err != nil {
			t.Fatalf("the stat of a zombie: %v", err)
		} else if strings.Contains(stat, ") Z ") {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("it does not end")
		}
	}
	for _, name := range []string{"smaps_rollup", "cmdline"} {
		if text, err := Read(pid, name); !errors.Is(err, ErrEnded) {
			t.Errorf("%s of a zombie: %q, %v", name, text, err)
		}
	}
	_ = cmd.Wait()
	if text, err := Read(pid, "stat"); !errors.Is(err, ErrEnded) {
		t.Errorf("got %q, %v after it has been waited for", text, err)
	}
	if _, err := Descriptors(pid); !errors.Is(err, ErrEnded) {
		t.Errorf("got %v for its descriptors", err)
	}
}

func TestList_HasThisProcess(t *testing.T) {
	pids, err := List()
	if err != nil || !slices.Contains(pids, os.Getpid()) {
		t.Errorf("got %v, %v", pids, err)
	}
}

func TestDescriptors_HasAnOpenFile(t *testing.T) {
	f, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if targets, err := Descriptors(os.Getpid()); err != nil || !slices.Contains(targets, f.Name()) {
		t.Errorf("got %v, %v", targets, err)
	}
}
