// Command zap imports zap and does not use it.
package main

import (
	_ "go.uber.org/zap"

	"lameduck/bench/start/hold"
)

func main() { hold.Forever() }
