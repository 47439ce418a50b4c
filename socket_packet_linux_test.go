package corolla_test

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
)

func TestStalePathOfADatagramSocket(t *testing.T) {
	l := realLoop(t, new(errorLog))
	defer l.Close()
	name := filepath.Join(t.TempDir(), "s")
	for _, network := range []string{"unixgram", "unix"} { // whichever it was that left the path
		var left io.Closer
		if network == "unix" {
			ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: name})
			if err != nil {
				t.Fatal(err)
			}
			ln.SetUnlinkOnClose(false)
			left = ln
		} else {
			c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
			if err != nil {
				t.Fatal(err)
			}
			left = c
		}
		if s, err := l.ListenPacket("unixgram", name); err == nil {
			closeAll(t, s)
			t.Errorf("the path of a live %s socket was taken over", network)
		}
		left.Close()
		s, err := l.ListenPacket("unixgram", name)
		if err != nil {
			t.Fatalf("over a stale path of %s: %v", network, err)
		}
		if again, err := l.ListenPacket("unixgram", name); err == nil {
			closeAll(t, again)
			t.Error("the path of our own socket was taken over")
		}
		closeAll(t, s)
		if _, err := os.Lstat(name); err == nil {
			t.Error("the path is left behind")
		}
	}
}
