package turns

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Every process has three clocks that others may read. The scheduler's is exact, to the nanosecond.
// The other two count the timer ticks that found the process in its own code, or anywhere: samples,
// about 250 a second. Rejected: /proc/PID/stat, whose figures are these two again, truncated to
// hundredths of a second.
const (
	clockTicks = 0
	clockUser  = 1
	clockExact = 2
)

// CPU is the CPU time that a process has used up to some moment.
type CPU struct{ exact, user, ticks time.Duration }

// CPUOf reads the clocks of a process.
func CPUOf(pid int) (CPU, error) {
	var at [3]time.Duration
	for kind := range at {
		var ts unix.Timespec
		if err := unix.ClockGettime(int32(^pid<<3|kind), &ts); err != nil {
			return CPU{}, fmt.Errorf("read the CPU clock of process %d: %w", pid, err)
		}
		at[kind] = time.Duration(ts.Nano())
	}
	return CPU{exact: at[clockExact], user: at[clockUser], ticks: at[clockTicks]}, nil
}

// Since returns what was used since an earlier moment, and the part of it in the process's own
// code: the exact time, divided in proportion to the ticks.
func (c CPU) Since(before CPU) (total, user time.Duration) {
	total = c.exact - before.exact
	if ticks := c.ticks - before.ticks; ticks > 0 {
		user = time.Duration(float64(total) * float64(c.user-before.user) / float64(ticks))
	}
	return total, user
}

// RSS returns how many bytes of memory a process has resident.
func RSS(pid int) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0, fmt.Errorf("read the memory of process %d: %w", pid, err)
	}
	f := strings.Fields(string(text))
	if len(f) < 2 {
		return 0, fmt.Errorf("read the memory of process %d: %q", pid, text)
	}
	pages, err := strconv.ParseInt(f[1], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read the memory of process %d: %w", pid, err)
	}
	return pages * int64(os.Getpagesize()), nil
}
