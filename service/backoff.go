package service

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/corolla-go/corolla"
)

// Backoff returns how long a Client waits before its next attempt, after so many that have failed in a
// row, from 1: initial times factor to the power of that, but no more than most, and what jitter, if
// it is not nil, adds to that. (Twisted's backoffPolicy, with the same parameters; there and here the
// defaults are a second, a minute, a factor of 1.5, and up to one more second.)
//
// ReconnectingClientFactory's waits are Backoff(time.Second, time.Hour, math.E, nil).
func Backoff(initial, most time.Duration, factor float64, jitter func(d time.Duration) time.Duration) func(failed int) time.Duration {
	return func(failed int) time.Duration {
		d := most
		if x := float64(initial) * math.Pow(factor, float64(failed)); x < float64(most) { // also false if it is no number
			d = time.Duration(x)
		}
		if jitter != nil {
			d += jitter(d)
		}
		return d
	}
}

// Jitter returns what adds a time between 0 and most, so that clients that have lost their
// server together do not come back together. On a simulated loop they are the same in every run.
func Jitter(l *corolla.Loop, most time.Duration) func(time.Duration) time.Duration {
	random := rand.Float64
	if l.Simulated() {
		random = rand.New(rand.NewPCG(1, 1)).Float64
	}
	return func(time.Duration) time.Duration { return time.Duration(random() * float64(most)) }
}
