// Package sim plays the ends of pods in virtual time.
//
//	Shape ──draw──> rollout: sources with rhythms, and the time at which each loses its route
//	                   │ requests, in the order of time
//	                   ├──> silence.Tracker ──Forecast──> lifecycle.Decision ──> end of the hold
//	                   └──> other rules ──> end of the hold
//
// The deciding code is real: the tracker with its sources, rhythms, classes and forecasts, and the
// decision of the lifecycle with its minimum, quiet time, maximum and stalls. These are the
// program's own packages, called as the relay calls them: Acquire with each connection, Begin and
// End with each exchange, Release, Drain. A test also plays some rollouts with the whole Lifecycle,
// and compares the ends.
//
// The traffic is simulated. Exchanges take no time. No app, socket, relay or timer is involved.
// Classes are those that the relay would find, which the tests of package proxy check. Package real
// measures the real program.
//
// A source calls with its rhythm for up to ten minutes before the drain. From the drain's start its
// gaps are longer by the surge of the shape. It ends when its node stops routing to the pod. All
// requests that are routed to the pod count, including those after the end of the hold, which are
// lost.
package sim
