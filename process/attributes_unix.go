//go:build unix

package process

import (
	"fmt"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// attributes returns what os.StartProcess needs besides the files and the environment.
func (c *Command) attributes() (*syscall.SysProcAttr, error) {
	attr := &syscall.SysProcAttr{Setpgid: c.Group && !c.Terminal}
	if c.Terminal { // a session of its own, which is a group too
		attr.Setsid, attr.Setctty, attr.Ctty = true, true, 0
	}
	if c.User == "" {
		return attr, nil
	}
	u, err := user.Lookup(c.User)
	if _, e := strconv.Atoi(c.User); err != nil && e == nil {
		u, err = user.LookupId(c.User)
	}
	if err != nil {
		return nil, fmt.Errorf("user %q: %w", c.User, err)
	}
	groups, err := u.GroupIds()
	if err != nil {
		return nil, fmt.Errorf("groups of user %q: %w", c.User, err)
	}
	var ids []uint32
	for _, s := range append([]string{u.Uid, u.Gid}, groups...) {
		id, err := strconv.ParseUint(s, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("user %q: %w", c.User, err)
		}
		ids = append(ids, uint32(id))
	}
	attr.Credential = &syscall.Credential{
		Uid: ids[0], Gid: ids[1], Groups: ids[2:],
		NoSetGroups: int(ids[0]) == os.Geteuid() && os.Geteuid() != 0, // staying the same user needs no privilege
	}
	return attr, nil
}

// signalGroup sends a signal to a process and its whole group. The process must not have been
// waited for.
func signalGroup(pid int, sig os.Signal) error {
	s, ok := sig.(syscall.Signal)
	if !ok {
		return fmt.Errorf("signal %v: %w", sig, syscall.EINVAL)
	}
	return syscall.Kill(-pid, s)
}

// ended returns the signal that ended a process, if one did.
func ended(state *os.ProcessState) (sig os.Signal, core, ok bool) {
	s, is := state.Sys().(syscall.WaitStatus)
	if !is || !s.Signaled() {
		return nil, false, false
	}
	return s.Signal(), s.CoreDump(), true
}
