//go:build unix

package talk

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// spin asks again and again: the processor is busy with asking, and what is counted in
// between makes the socket wait.
func spin(j *Job) error {
	fd, err := dialNonblocking(j.Addr)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	defer j.Observe(fd)()
	for sent, tries := 0, 0; sent < len(j.Data); j.Moved(sent) {
		n, err := unix.Write(fd, j.Data[sent:])
		switch {
		case err == nil:
			sent += n
		case err != unix.EAGAIN:
			return fmt.Errorf("write: %w", err)
		default:
			if tries++; tries%10_000 == 1 {
				j.Slice()
			}
		}
	}
	return nil
}
