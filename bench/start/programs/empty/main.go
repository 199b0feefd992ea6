// Command empty has the runtime alone.
package main

import "lameduck/bench/start/hold"

func main() { hold.Forever() }
