//go:build !unix

package process

import (
	"errors"
	"os"
	"syscall"

	"github.com/corolla-go/corolla"
)

// attributes returns what os.StartProcess needs besides the files and the environment.
func (c *Command) attributes() (*syscall.SysProcAttr, error) {
	if c.User != "" || c.Group || c.Terminal {
		return nil, errors.ErrUnsupported
	}
	return nil, nil
}

func signalGroup(int, os.Signal) error { return errors.ErrUnsupported }

func ended(*os.ProcessState) (sig os.Signal, core, ok bool) { return nil, false, false }

func onChild(*corolla.Loop, func()) (stop func()) { return func() {} }

func reapOrphans() error { return nil }
