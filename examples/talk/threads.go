//go:build unix

package talk

import (
	"fmt"
	"runtime"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// threads sends in a second thread of the operating system, with a blocking socket.
func threads(j *Job) error {
	fd, err := dial(j.Addr)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	defer j.Observe(fd)()
	var sent atomic.Bool
	ended := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // this goroutine is the thread
		ended <- sendBlocking(j, fd)
		sent.Store(true)
	}()
	for !sent.Load() {
		j.Slice()
	}
	return <-ended
}

func sendBlocking(j *Job, fd int) error {
	for sent := 0; sent < len(j.Data); j.Moved(sent) {
		n, err := unix.Write(fd, j.Next(sent))
		if err != nil {
			return fmt.Errorf("write: %w", err)
		}
		sent += n
	}
	return nil
}
