package worker

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What a parent tells a process that it starts, in the environment: that it is a worker, and which. The rest is
// what systemd tells its services: LISTEN_FDS and LISTEN_FDNAMES name what the process inherits. LISTEN_PID is
// not known before the process is there, so that sets it itself.
const roleVariable = "COROLLA_WORKER"

// channelName names the pipe, among what a worker inherits, on which it tells its parent what sd_notify tells
// systemd. A pipe needs no address that others could write to, and what is left of one when its owner is killed
// is nothing. What the parent tells is told by the worker's standard input, which ends when the worker is to
// retire, and when the parent has ended.
const channelName = "notify"

// reserved reports whether a name, among what a worker inherits, is none of an address.
func reserved(name string) bool { return name == channelName || name == nextName || name == lastName }

// maxTold is how many bytes a line of a worker's to its parent may have.
const maxTold = 4 << 10

// role is which worker a process is.
type role struct {
	number, generation int
	grace, watchdog    time.Duration // the parent's, which may be another version
}

func (r role) String() string { return fmt.Sprintf("%d.%d", r.number, r.generation) }

// environment returns what a worker gets of the parent's own, and what it is told.
func (r role) environment(names []string) []string {
	env := slices.DeleteFunc(os.Environ(), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		switch name {
		case "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC", roleVariable:
			return true // systemd means the parent
		}
		return false
	})
	return append(env, "LISTEN_FDS="+strconv.Itoa(len(names)), "LISTEN_FDNAMES="+strings.Join(names, ":"),
		fmt.Sprintf("%s=%d %d %d %d", roleVariable, r.number, r.generation, r.grace, r.watchdog))
}

// takeRole reports whether this process is a worker, and which. It takes that out of the environment, so that
// what the worker starts does not think that it is one.
func takeRole() (r role, ok bool) {
	text := os.Getenv(roleVariable)
	_ = os.Unsetenv(roleVariable) // it fails for odd names only, as the next one does
	if n, err := fmt.Sscan(text, &r.number, &r.generation, (*int64)(&r.grace), (*int64)(&r.watchdog)); n != 4 || err != nil {
		return role{}, false
	}
	_ = os.Setenv("LISTEN_PID", strconv.Itoa(os.Getpid()))
	return r, true
}
