package host

// The machine that a loop runs on is one of its options. Only the root can make options, and does
// so in On and Between, which return a corolla.Option: packages sim and hosttest convert it to
// that type.
var (
	// On returns the option that makes a loop run on what open returns, a simulated machine. The
	// loop is a *corolla.Loop, which is not ready for use yet.
	On func(open func(loop any) Host) any

	// Abort ends the run of a loop after the callback that is running, with the rest of its batch
	// undone: for a simulated machine that crashes. Only the goroutine that runs the loop may call it.
	Abort func(loop any, err error)

	// Between returns the option that puts the Host that wrap returns between a loop and its
	// machine.
	Between func(wrap func(Host) Host) any
)
