package corolla_test

import (
	"net"
	"path/filepath"
	"testing"

	"github.com/corolla-go/corolla"
)

// One limit of handshakes, given to several listeners, is one limit.
func TestPlacesForHandshakesAreShared(t *testing.T) {
	places := func(opt corolla.SocketOption) *corolla.Semaphore {
		_, p, err := corolla.Handshakes(opt)
		if p == nil || err != nil {
			t.Fatal("no places:", err)
		}
		return p
	}
	a, b := corolla.MaxHandshakes(3), corolla.MaxHandshakes(3)
	first, second := places(a), places(a)
	if first != second {
		t.Error("one option given twice is two limits")
	}
	if first == places(b) {
		t.Error("two options are one limit")
	}
	for _, n := range []int{0, -1} {
		if _, _, err := corolla.Handshakes(corolla.MaxHandshakes(n)); err == nil {
			t.Errorf("MaxHandshakes(%d) is accepted", n)
		}
	}
}

// A Unix address that does not say what it is of is of what it is given for.
func TestUnixAddressWithoutANetwork(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		dir := t.TempDir()
		for i, network := range []string{"", "unix", "unixgram"} {
			at := &net.UnixAddr{Name: filepath.Join(dir, string(rune('a'+i))), Net: network}
			s, err := l.OpenPacket(at, nil)
			if wants := network != "unix"; wants != (err == nil) {
				t.Errorf("OpenPacket of %q: %v", network, err)
			}
			if err == nil {
				closeAll(t, s)
			}
			s, err = l.ListenAddr(at)
			if wants := network != "unixgram"; wants != (err == nil) {
				t.Errorf("ListenAddr of %q: %v", network, err)
			}
			if err == nil {
				closeAll(t, s)
			}
		}
	})
}
