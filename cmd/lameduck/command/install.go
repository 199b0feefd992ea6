package command

import (
	"fmt"
	"io"
	"os"
)

// install copies the program to a path, for an image without cp: an init container copies it to a
// volume of the app's container. The copy is atomic.
func install(args []string) (err error) {
	if len(args) != 1 {
		return usageError("install needs a path: lameduck install PATH")
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("install: %w", err)
	}
	from, err := os.Open(self)
	if err != nil {
		return fmt.Errorf("install: %w", err)
	}
	defer from.Close()
	part := args[0] + ".part"
	defer func() {
		if err != nil {
			_ = os.Remove(part)
			err = fmt.Errorf("install: %w", err)
		}
	}()
	if err := copyProgram(part, from); err != nil {
		return err
	}
	return os.Rename(part, args[0])
}

// copyProgram writes a file that every user may execute, regardless of the umask.
func copyProgram(path string, from io.Reader) error {
	to, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, from)
	if err == nil {
		err = to.Chmod(0o755)
	}
	if closed := to.Close(); err == nil {
		err = closed
	}
	return err
}
