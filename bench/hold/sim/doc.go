// Package sim plays the ends of pods in virtual time.
//
//	Shape ──draw──> rollout: sources with rhythms, and the time at which each loses its route
//	                   │ requests, in the order of time
//	                   ├──> silence.Tracker ──Forecast──> lifecycle.Decision ──> end of the hold
//	                   └──> other rules ──> end of the hold
//
// Real is what decides: the tracker with its sources, rhythms, classes and forecasts, and the
// decision of the lifecycle with its minimum, quiet time, maximum and stalls. They are the packages
// that the program is built from, and their calls are those of the relay: Acquire with each
// connection, Begin and End with each exchange, Release, Drain. A test plays some rollouts with the
// whole Lifecycle too, and compares the ends.
//
// Simulated is the traffic. Exchanges take no time. No app, socket, relay or timer is involved, and
// classes are those that the relay would find. Package proxy has tests of those, and package real
// measures the real program.
//
// A source calls with its rhythm for up to ten minutes before the drain. From the drain's start its
// gaps are longer by the surge of the shape. It ends when its node stops routing to the pod. All
// requests that are routed to the pod count, also those after the end of the hold: these are lost.
package sim
