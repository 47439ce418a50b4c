package host

// Where a loop runs is one of its options. Only the root can make those, and does so in these
// functions, which return a corolla.Option: package sim and package hosttest give it its type.
var (
	// On returns the option that makes a loop run on h, a simulated machine.
	On func(h Host) any

	// Between returns the option that puts what wrap returns between a loop and its machine.
	Between func(wrap func(Host) Host) any
)
