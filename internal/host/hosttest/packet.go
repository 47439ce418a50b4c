package hosttest

import (
	"errors"
	"net"
	"syscall"

	"github.com/corolla-go/corolla/internal/host"
)

func (h *harness) packet(local, remote net.Addr) fd {
	h.Helper()
	d, err := h.Host.OpenPacket(local, remote, host.Settings{})
	h.must(err)
	h.watch(d, both)
	return d
}

func (h *harness) readFrom(d fd, b []byte) (int, net.Addr, bool, error) {
	h.Helper()
	for {
		n, from, truncated, err := h.Host.TryReadFrom(d, b)
		if err != host.ErrAgain {
			return n, from, truncated, err
		}
		h.await(d, host.Readable)
	}
}

func datagramsKeepTheirBounds(h *harness) {
	a := h.packet(&net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}, nil)
	at := h.Host.LocalAddr(a, true)
	b := h.packet(nil, at)
	if _, _, _, err := h.Host.TryReadFrom(a, make([]byte, 1)); err != host.ErrAgain {
		h.Errorf("TryReadFrom of nothing: %v", err)
	}
	for _, c := range []struct {
		size, room int
		truncated  bool
	}{{5, 10, false}, {0, 10, false}, {10, 4, true}, {4, 4, false}} {
		h.must(h.Host.TryWriteTo(b, make([]byte, c.size), nil))
		n, from, truncated, err := h.readFrom(a, make([]byte, c.room))
		if n != min(c.size, c.room) || truncated != c.truncated || err != nil {
			h.Errorf("%d bytes into %d: %d, truncated %v, %v", c.size, c.room, n, truncated, err)
		}
		if from == nil || from.Network() != "udp" {
			h.Fatalf("from %v", from)
		}
		h.must(h.Host.TryWriteTo(a, []byte("back"), from))
		if n, from, _, err := h.readFrom(b, make([]byte, 10)); n != 4 || err != nil || from.String() != at.String() {
			h.Errorf("answer of %d bytes from %v, %v", n, from, err)
		}
	}
	if err := h.Host.TryWriteTo(b, make([]byte, 70_000), nil); !errors.Is(err, syscall.EMSGSIZE) {
		h.Errorf("a datagram that is too long: %v", err)
	}
	if err := h.Host.TryWriteTo(a, nil, nil); !errors.Is(err, syscall.EDESTADDRREQ) {
		h.Errorf("a datagram to no address: %v", err)
	}
}

func datagramToNobody(h *harness) {
	a := h.packet(&net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}, nil)
	at := h.Host.LocalAddr(a, true)
	h.close(a)
	b := h.packet(nil, at)
	h.must(h.Host.TryWriteTo(b, []byte("anybody?"), nil))
	if _, _, _, err := h.readFrom(b, make([]byte, 10)); !errors.Is(err, syscall.ECONNREFUSED) {
		h.Errorf("read: %v", err)
	}
	a = h.packet(at, nil) // the socket is still usable
	h.must(h.Host.TryWriteTo(b, []byte("now"), nil))
	if n, _, _, err := h.readFrom(a, make([]byte, 10)); n != 3 || err != nil {
		h.Errorf("read %d, %v", n, err)
	}
}
