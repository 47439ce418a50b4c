package host

import (
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// BindThread keeps the calling goroutine on its thread, and the thread on one of the processors that it
// may use: the nth of them, and beyond the last the first again. release undoes both, on the same
// goroutine.
func BindThread(n int) (release func(), err error) {
	runtime.LockOSThread()
	var allowed unix.CPUSet
	if err := unix.SchedGetaffinity(0, &allowed); err != nil {
		runtime.UnlockOSThread()
		return nil, os.NewSyscallError("sched_getaffinity", err)
	}
	only := nth(&allowed, n)
	if err := unix.SchedSetaffinity(0, &only); err != nil {
		runtime.UnlockOSThread()
		return nil, os.NewSyscallError("sched_setaffinity", err)
	}
	return func() {
		if err := unix.SchedSetaffinity(0, &allowed); err != nil {
			return // the thread stays locked, and ends with its goroutine: Go would use it for others
		}
		runtime.UnlockOSThread()
	}, nil
}

// nth returns the set of one processor of another set.
func nth(of *unix.CPUSet, n int) (one unix.CPUSet) {
	count := of.Count()
	if count == 0 || n < 0 {
		panic(fmt.Sprintf("host: processor %d of %d", n, count))
	}
	n %= count
	for cpu := 0; ; cpu++ {
		if !of.IsSet(cpu) {
			continue
		}
		if n == 0 {
			one.Set(cpu)
			return one
		}
		n--
	}
}
