//go:build unix

package talk

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// spin asks again and again, and counts a slice whenever the socket takes nothing. That goes
// well as long as there is something to count: it never waits, so without it would do nothing
// but ask.
func spin(j *Job) error {
	fd, err := dialNonblocking(j.Addr)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	defer j.Observe(fd)()
	for sent := 0; sent < len(j.Data); j.Moved(sent) {
		n, err := unix.Write(fd, j.Data[sent:])
		switch {
		case err == nil:
			sent += n
		case err == unix.EAGAIN:
			j.Slice()
		default:
			return fmt.Errorf("write: %w", err)
		}
	}
	return nil
}
