package measure

import "math"

// confidence is that of the bounds.
const confidence = 0.95

// upperBound returns the largest share of lost requests with which at most lost of n requests are
// lost in more than 5 % of the cases: the exact (Clopper-Pearson) bound, if losses are independent.
// It is about 3/n if none is lost, and 1 if there are no requests.
func upperBound(lost, n int) float64 {
	if lost >= n {
		return 1
	}
	low, high := float64(lost)/float64(n), 1.0
	for range 60 { // halves the interval down to the precision of float64
		if p := (low + high) / 2; atMost(lost, n, p) > 1-confidence {
			low = p
		} else {
			high = p
		}
	}
	return high
}

// atMost returns the probability that at most k of n independent requests are lost, each with
// probability p.
func atMost(k, n int, p float64) float64 {
	sum := 0.0
	for i := range k + 1 {
		sum += math.Exp(logChoose(n, i) + float64(i)*math.Log(p) + float64(n-i)*math.Log1p(-p))
	}
	return sum
}

// logChoose returns the logarithm of the number of ways to choose k of n.
func logChoose(n, k int) float64 {
	all, _ := math.Lgamma(float64(n) + 1)
	some, _ := math.Lgamma(float64(k) + 1)
	others, _ := math.Lgamma(float64(n-k) + 1)
	return all - some - others
}
