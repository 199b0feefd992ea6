package silence

// And returns the forecast for the sources of both forecasts, which are independent.
func (f Forecast) And(g Forecast) Forecast {
	f.InFlight += g.InFlight
	if g.SilentIn > f.SilentIn || g.SilentIn == f.SilentIn && g.Required > f.Required {
		f.SilentIn, f.Required = g.SilentIn, g.Required
	}
	if g.More > f.More {
		f.Class = g.Class
	}
	f.More = 1 - (1-f.More)*(1-g.More)
	f.Idle = f.Idle && g.Idle
	f.ChecksIn = max(f.ChecksIn, g.ChecksIn)
	f.LastRequest = max(f.LastRequest, g.LastRequest)
	f.LastConnection = max(f.LastConnection, g.LastConnection)
	for kind, at := range g.Checks {
		f.Checks[kind] = max(f.Checks[kind], at)
	}
	return f
}
