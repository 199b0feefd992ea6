package main

// delivery has the mutants of what is on its way when a drain ends, and of a time that ends before.
var delivery = []mutant{
	{"delivery: the hold lasts while something is on its way", "lifecycle/lifecycle.go",
		"o.InFlight = l.relay.Undelivered()", "_ = l.relay.Undelivered()", "TestTheEndOfTheHold", ""},
	{"delivery: what is on its way is seen", "proxy/delivery.go",
		"if c.delivers(&c.seenByHold) {", "if false {", "TestUndelivered", ""},
	{"delivery: a client that takes nothing more is not waited for", "proxy/delivery.go",
		"return *last > 0 && *last != before", "return *last > 0 && (*last != before || *last == before)", "TestUndelivered", ""},
	{"delivery: a slow client is lingered for", "proxy/park.go",
		"if d == fromClient && c.lingersOn() {", "if false {", "TestALingerLasts", ""},
	{"native: its stop signal ends the hold", "lifecycle/lifecycle.go",
		"if gone != nil && s != os.Interrupt && l.isNative() {", "if false {", "TestTheEndOfTheHold", ""},
	{"native: that of any other does not", "lifecycle/lifecycle.go",
		"if gone != nil && s != os.Interrupt && l.isNative() {", "if gone != nil && s != os.Interrupt {", "TestTheEndOfTheHold", ""},
	{"native: a fallback serves on", "lifecycle/lifecycle.go",
		"limit = l.config.Hold // the", "// the", "TestTheEndOfTheHold", ""},
	{"native: the app is not waited for then", "lifecycle/lifecycle.go",
		"(l.isNative() || !l.released())", "!l.released()", "TestTheEndOfTheHold", ""},
	{"native: it can be said", "lifecycle/admin.go",
		"l.RequestDrain(r.URL.Query().Has(\"native\"))", "l.RequestDrain(false)", "TestANativeSidecar", "cmd/lameduck"},
}
