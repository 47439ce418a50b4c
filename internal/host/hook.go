package host

// The machine that a loop runs on is one of its options. Only the root can make options, and does
// so in these functions, which return a corolla.Option: packages sim and hosttest convert it to
// that type.
var (
	// On returns the option that makes a loop run on what open returns, a simulated machine. The
	// loop is a *corolla.Loop, which is not ready for use yet.
	On func(open func(loop any) Host) any

	// Between returns the option that puts the Host that wrap returns between a loop and its
	// machine.
	Between func(wrap func(Host) Host) any
)
