// Package hold keeps a measured program alive. It imports almost nothing, so that the programs have
// only the memory of what they import themselves.
package hold

import (
	"os"
	"time"
)

// Ready is what a program prints when it has started.
const Ready = "ready\n"

// Forever reports that the program has started, and never returns. The program ends with a signal.
func Forever() {
	_, err := os.Stdout.WriteString(Ready)
	Check(err)
	for {
		<-time.After(time.Hour)
	}
}

// Check ends the program on error.
func Check(err error) {
	if err != nil {
		panic(err)
	}
}
