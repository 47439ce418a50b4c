//go:build unix

package talk

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// selecting asks which of the two can go on: it sends when the socket takes some, and
// counts a slice when it does not.
func selecting(j *Job) error {
	fd, err := dialNonblocking(j.Addr)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	defer j.Observe(fd)()
	for sent := 0; sent < len(j.Data); {
		ready, err := waitWritable(fd, true)
		if err != nil {
			return fmt.Errorf("select: %w", err)
		}
		if !ready {
			j.Slice()
			continue
		}
		n, err := unix.Write(fd, j.Data[sent:])
		if err != nil && err != unix.EAGAIN {
			return fmt.Errorf("write: %w", err)
		}
		sent += max(n, 0)
		j.Moved(sent)
	}
	return nil
}
