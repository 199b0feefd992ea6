// Package silence decides how long a source of requests must have been silent before no more are to be expected.
//
// A source is a remote address: load balancers have few. Each keeps its rhythm, the longest gap between two of its
// exchanges over the last ten minutes, and the silence that is required of it follows from that:
//
//	required = max(Quiet, Factor x longest gap), counted from the end of its last exchange
//
// So a source that calls a hundred times a second is believed after Quiet, and one that calls every 20 s is not taken
// for gone after five. While a source has an exchange in flight it is not silent at all.
//
// Time is an argument: every instant is a [time.Duration] since an epoch that the caller chooses and keeps.
package silence
