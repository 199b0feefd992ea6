package main

import (
	"os"

	"lameduck/cmd/lameduck/command"
)

// version is set by the linker in releases.
var version = "devel"

func main() {
	os.Exit(command.Main(version))
}
