package host_test

import (
	"errors"
	"os"
	"testing"

	"github.com/corolla-go/corolla/internal/host"
	"github.com/corolla-go/corolla/internal/host/hosttest"
	"github.com/corolla-go/corolla/internal/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// The garbage collector of this machine is heard.
func TestCollectedIsTold(t *testing.T) {
	h, err := host.New()
	leaktest.NeedLoop(t, err)
	defer h.Close()
	calls := 0
	h.Collected(func() { calls++ })
	if calls != 1 {
		t.Errorf("%d calls", calls)
	}
}

func TestContract(t *testing.T) {
	hosttest.Test(t, func(t *testing.T) hosttest.Subject {
		h, err := host.New()
		leaktest.NeedLoop(t, err)
		return hosttest.Subject{
			Host:    h,
			Outside: func(f func()) { go f() },
			Signal: func(sig os.Signal) {
				self, err := os.FindProcess(os.Getpid())
				if err == nil {
					err = errors.Join(self.Signal(sig), self.Release()) // it holds a descriptor
				}
				if err != nil {
					t.Error(err)
				}
			},
		}
	})
}
