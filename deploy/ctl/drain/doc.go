// Package drain reads the summaries of drains that Lameduck writes, in its two forms: the line in the
// termination message of a container, and the last line of the log.
package drain
