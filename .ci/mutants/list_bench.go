package main

// bench has the mutants of what the bench counts, and of when it gives up.
var bench = []mutant{
	{"load: what piles up is bounded", "bench/load/generator.go",
		"if out.Load() >= int64(cfg.MostOut) {", "if out.Load() >= int64(cfg.MostOut)+1 {", "TestLoadThatPilesUp", ""},
	{"load: the bound is not reached too early", "bench/load/generator.go",
		"if out.Load() >= int64(cfg.MostOut) {", "if out.Load() >= int64(cfg.MostOut)-1 {", "TestAsManyRequests", ""},
	{"load: a request that has ended is out no more", "bench/load/generator.go",
		"defer out.Add(-1)", "", "TestAsManyRequests", ""},
	{"load: there are files for all that may be out", "bench/load/bound.go",
		"files/4", "files", "TestMostOut", ""},
	{"load: idle connections are bounded", "bench/load/bound.go",
		"c.MostOut/4/", "c.MostOut/", "TestIdleConnections", ""},
}
