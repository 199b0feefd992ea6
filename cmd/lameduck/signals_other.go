//go:build !linux

package main

import "os"

var systemStopSignals []os.Signal
