// Package childproc runs the app as a child process, as an init process does: signals are passed on, the
// orphans that the app leaves are reaped, and its exit code is kept. At a terminal, job control works as
// without this process.
package childproc
