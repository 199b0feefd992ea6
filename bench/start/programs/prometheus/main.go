// Command prometheus imports client_golang and does not use it.
package main

import (
	_ "github.com/prometheus/client_golang/prometheus"

	"lameduck/bench/start/hold"
)

func main() { hold.Forever() }
