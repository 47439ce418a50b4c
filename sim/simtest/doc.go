// Package simtest runs a program through thousands of bad days, and shows the one that it does not
// survive.
//
//	func TestCounter(t *testing.T) {
//		simtest.Explore(t, 500, func(r *simtest.Run) error {
//			a, b := r.Host("a"), r.Host("b")
//			a.Start(serve)
//			b.Start(use)
//			r.Storm(10 * time.Second)
//			return r.RunUntil(settled, time.Minute)
//		})
//	}
//
// Each run is a World of package sim with a seed of its own. The seed decides what goes wrong and when,
// how long messages take, and the order of what is ready together. A run fails if the program returns
// an error or panics, or if something that World.Always was told of did not hold. The failure is
// reported with the number that replays it, the fewest faults that still bring it about, and its trace
// as text and as a page.
//
// The flags are those of go test:
//
//	-sim.seed=17       that one run
//	-sim.n=100000      so many runs
//	-sim.from=5000     from that seed on instead of from 1
//	-sim.blind         each seed anew: see below
//	-sim.trace=DIR     where to write traces; with -sim.seed, also of a run that does not fail
//
// Seeds need not be drawn blindly. Where a program says with World.Sometimes that it is in a rare
// state, later runs go back to just behind that moment and from there to another future, so that what
// takes three coincidences in a row does not take three at once.
package simtest
