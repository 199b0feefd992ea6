//go:build !linux

package command

import "os"

var systemStopSignals []os.Signal
