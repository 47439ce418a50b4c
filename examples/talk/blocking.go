//go:build unix

package talk

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// blocking waits in the kernel: nothing is counted before all is sent.
func blocking(j *Job) error {
	fd, err := dial(j.Addr)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	defer j.Observe(fd)()
	for sent := 0; sent < len(j.Data); j.Moved(sent) {
		n, err := unix.Write(fd, j.Next(sent))
		if err != nil {
			return fmt.Errorf("write: %w", err)
		}
		sent += n
	}
	for range 20 {
		j.Slice()
	}
	return nil
}
