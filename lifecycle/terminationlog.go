package lifecycle

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// maxTerminationMessage is what a kubelet reads of a termination log.
const maxTerminationMessage = 4096

// terminationLogTimeout bounds the writing: a file system may hang, and the process is about to
// end.
const terminationLogTimeout = time.Second

// errNotRegular is the error of a termination log that is not a file.
var errNotRegular = errors.New("not a regular file")

// errFileHangs is the error of a termination log that could not be written in time.
var errFileHangs = errors.New("the file system does not respond")

// writeTerminationLog replaces the contents of the file at path, or creates it. Another process may
// have put anything there, so only a regular file is written to: a FIFO would block, and through a
// symbolic link another file would be truncated.
func writeTerminationLog(path, text string) error {
	if len(text) > maxTerminationMessage {
		text = text[:maxTerminationMessage]
	}
	written := make(chan error, 1)
	go func() { written <- writeRegular(path, text) }()
	timeout := time.NewTimer(terminationLogTimeout)
	defer timeout.Stop()
	select {
	case err := <-written:
		return err
	case <-timeout.C:
		return errFileHangs
	}
}

func writeRegular(path, text string) error {
	f, err := openRegular(path)
	if err != nil {
		return err
	}
	if err = f.Truncate(0); err == nil {
		_, err = f.WriteString(text)
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	return err
}

// openRegular opens a regular file for writing. It neither waits for the other end of a FIFO nor
// follows a symbolic link, and it does not even open a device.
func openRegular(path string) (*os.File, error) {
	const flags = os.O_WRONLY | unix.O_NOFOLLOW | unix.O_NONBLOCK | unix.O_NOCTTY
	switch info, err := os.Lstat(path); {
	case errors.Is(err, fs.ErrNotExist):
		return os.OpenFile(path, flags|os.O_CREATE|os.O_EXCL, 0o644)
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, errNotRegular
	}
	f, err := os.OpenFile(path, flags, 0)
	if errors.Is(err, syscall.ELOOP) || errors.Is(err, syscall.ENXIO) {
		return nil, errNotRegular // since Lstat
	}
	if err != nil {
		return nil, err
	}
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		_ = f.Close()
		return nil, errNotRegular
	}
	return f, nil
}
