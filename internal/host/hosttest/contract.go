package hosttest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"syscall"
	"time"

	"github.com/corolla-go/corolla/internal/host"
)

func clockMovesForward(h *harness) {
	last := h.Host.Now()
	for range 100 {
		h.wait(0)
		now := h.Host.Now()
		if now < last {
			h.Fatalf("the clock went back from %v to %v", last, now)
		}
		last = now
	}
	if h.Host.Epoch().IsZero() {
		h.Error("no Epoch")
	}
}

func waitEndsAtItsTime(h *harness) {
	for range 10 {
		until := h.Host.Now() + 2*time.Millisecond
		if n := h.wait(until); n != 0 {
			h.Fatalf("%d events out of nowhere", n)
		}
		if now := h.Host.Now(); now < until {
			h.Errorf("Wait(%v) returned at %v", until, now)
		}
	}
	h.wait(h.Host.Now() - time.Millisecond) // a time that has passed only polls
}

func wakeBeforeWait(h *harness) {
	h.Host.Wake()
	limit := h.Host.Now() + patience
	h.wait(limit)
	if h.Host.Now() >= limit {
		h.Error("a Wake before Wait did not end it")
	}
}

func wakeFromOutside(h *harness) {
	for range 100 {
		h.Outside(h.Host.Wake)
		h.wait(-1) // hangs if the wake is lost
	}
}

func manyWakesAreOne(h *harness) {
	for range 10 {
		h.Host.Wake()
	}
	h.wait(h.Host.Now() + patience)
	until := h.Host.Now() + 2*time.Millisecond
	h.wait(until)
	if h.Host.Now() < until {
		h.Error("one Wait did not take all the wakes before it")
	}
}

func connectAcceptTalk(h *harness) {
	c, s := h.pair()
	h.write(c, "ping")
	if got := h.read(s, 4); got != "ping" {
		h.Errorf("server read %q", got)
	}
	h.write(s, "pong")
	if got := h.read(c, 4); got != "pong" {
		h.Errorf("client read %q", got)
	}
	if a, b := h.Host.LocalAddr(c, false), h.Host.PeerAddr(s, false); a == nil || b == nil || a.String() != b.String() {
		h.Errorf("the client is %v to itself and %v to the server", a, b)
	}
	if a, b := h.Host.PeerAddr(c, false), h.Host.LocalAddr(s, false); a == nil || b == nil || a.String() != b.String() {
		h.Errorf("the server is %v to the client and %v to itself", a, b)
	}
}

func connectRefused(h *harness) {
	l, addr := h.listen()
	h.close(l)
	c, err := h.Host.Connect(addr, host.Settings{})
	if err == nil {
		h.watch(c, both)
		h.await(c, host.Writable)
		err = h.Host.ConnectError(c)
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		h.Errorf("connect to nobody: %v", err)
	}
}

func addressInUse(h *harness) {
	_, addr := h.listen()
	if _, err := h.Host.Listen(addr, host.Settings{}); !errors.Is(err, syscall.EADDRINUSE) {
		h.Errorf("second listener: %v", err)
	}
}

func readBeforeDataIsAgain(h *harness) {
	c, s := h.pair()
	if n, err := h.Host.TryRead(s, make([]byte, 8)); n != 0 || err != host.ErrAgain {
		h.Errorf("TryRead of nothing = %d, %v", n, err)
	}
	l, _ := h.listen()
	if _, err := h.Host.Accept(l); err != host.ErrAgain {
		h.Errorf("Accept of nobody: %v", err)
	}
	_ = c
}

func edgeComesOnce(h *harness) {
	c, s := h.pair()
	h.settle()
	clear(h.seen)
	h.write(c, "x")
	h.await(s, host.Readable)
	clear(h.seen)
	h.settle() // nothing was read, but nothing new has come either
	if h.seen[s]&host.Readable != 0 {
		h.Error("an edge was reported twice")
	}
	h.write(c, "y")
	h.await(s, host.Readable)
	if got := h.read(s, 2); got != "xy" {
		h.Errorf("read %q", got)
	}
}

func levelComesWhileItLasts(h *harness) {
	c, s := h.pair()
	h.must(h.Host.Watch(s, host.Read))
	h.write(c, "x")
	for range 3 {
		h.await(s, host.Readable)
	}
	h.read(s, 1)
	clear(h.seen)
	h.settle()
	if h.seen[s] != 0 {
		h.Errorf("reported %03b after all was read", h.seen[s])
	}
}

func watchAgainReplacesTheInterest(h *harness) {
	c, s := h.pair()
	h.settle()
	for range 2 {
		h.must(h.Host.Watch(s, host.Read))
	}
	h.write(c, "x")
	h.await(s, host.Readable)
	if n := h.wait(h.Host.Now()); n > 1 {
		h.Errorf("%d reports of one descriptor in one wait", n)
	}
	h.must(h.Host.Watch(s, host.Write))
	clear(h.seen)
	h.await(s, host.Writable)
	if h.seen[s]&host.Readable != 0 {
		h.Error("reported what is no longer watched")
	}
	h.watch(s, both)
}

func unwatchEndsReports(h *harness) {
	c, s := h.pair()
	h.settle()
	clear(h.seen)
	h.must(h.Host.Unwatch(s))
	h.write(c, "x")
	h.settle()
	if h.seen[s] != 0 {
		h.Errorf("reported %03b for what is not watched", h.seen[s])
	}
	h.watch(s, both) // and what happened meanwhile is reported
	h.await(s, host.Readable)
}

func endOfStreamIsAHangup(h *harness) {
	c, s := h.pair()
	h.must(h.Host.CloseWrite(c))
	h.await(s, host.Hangup)
	if _, err := h.readEnd(s); err != io.EOF {
		h.Errorf("read: %v", err)
	}
	h.write(s, "other way")
	if got := h.read(c, 9); got != "other way" {
		h.Errorf("read %q", got)
	}
}

func dataBeforeTheEndIsKept(h *harness) {
	c, s := h.pair()
	h.write(c, "last words")
	h.close(c)
	if got, err := h.readEnd(s); got != "last words" || err != io.EOF {
		h.Errorf("read %q, %v", got, err)
	}
}

func writeAfterCloseWrite(h *harness) {
	c, _ := h.pair()
	h.must(h.Host.CloseWrite(c))
	if _, err := h.Host.TryWrite(c, []byte("x")); !errors.Is(err, syscall.EPIPE) {
		h.Errorf("write after CloseWrite: %v", err)
	}
}

func closeWithUnreadDataResets(h *harness) {
	c, s := h.pair()
	h.write(c, "never read")
	h.await(s, host.Readable)
	h.settle()
	h.close(s)
	h.await(c, host.Hangup)
	if _, err := h.readEnd(c); !errors.Is(err, syscall.ECONNRESET) {
		h.Errorf("read: %v", err)
	}
}

func resetIsSeenByThePeer(h *harness) {
	c, s := h.pair()
	delete(h.open, s)
	here := h.Host.LocalAddr(c, false).String()
	h.must(h.Host.ResetFD(s))
	h.await(c, host.Hangup)
	if peer, own := h.Host.PeerAddr(c, false), h.Host.LocalAddr(c, false); peer != nil || own == nil || own.String() != here {
		h.Errorf("addresses after a reset: own %v, peer %v", own, peer)
	}
	if err := h.Host.CloseWrite(c); !errors.Is(err, syscall.ENOTCONN) {
		h.Errorf("CloseWrite after a reset: %v", err)
	}
	if _, err := h.readEnd(c); !errors.Is(err, syscall.ECONNRESET) {
		h.Errorf("read: %v", err)
	}
}

func batchIsOneStream(h *harness) {
	c, s := h.pair()
	bufs := [][]byte{[]byte("one "), []byte("two "), []byte("three")}
	want := "one two three"
	for got := ""; got != want; {
		n, err := h.Host.TryWriteBatch(c, bufs)
		if err == host.ErrAgain {
			h.await(c, host.Writable)
			continue
		}
		h.must(err)
		got += h.read(s, n)
		if got != want[:len(got)] {
			h.Fatalf("read %q", got)
		}
		for n > 0 && len(bufs) > 0 {
			k := min(n, len(bufs[0]))
			if bufs[0] = bufs[0][k:]; len(bufs[0]) == 0 {
				bufs = bufs[1:]
			}
			n -= k
		}
	}
}

func writerIsToldOfRoom(h *harness) {
	c, s := h.pair()
	block := bytes.Repeat([]byte("corolla "), 8<<10)
	sent, got := 0, 0
	for full := false; !full; {
		n, err := h.Host.TryWrite(c, block)
		sent += n
		if err == host.ErrAgain { // full, unless there is room after a while
			h.settle()
			full = h.seen[c]&host.Writable == 0
			clear(h.seen)
			continue
		}
		h.must(err)
		if sent > 1<<30 {
			h.Fatal("the peer reads nothing, and a GiB went out")
		}
	}
	for b := make([]byte, 64<<10); got < sent; {
		n, err := h.Host.TryRead(s, b)
		if got += n; err == host.ErrAgain {
			h.await(s, host.Readable)
		} else {
			h.must(err)
		}
	}
	h.await(c, host.Writable)
	if n, err := h.Host.TryWrite(c, block); n == 0 || err != nil {
		h.Errorf("TryWrite when told of room = %d, %v", n, err)
	}
}

func closedDescriptorIsForgotten(h *harness) {
	c, s := h.pair()
	h.write(c, "x")
	h.await(s, host.Readable)
	h.write(c, "y")
	h.close(s)
	h.settle()
	if h.seen[s] != 0 {
		h.Errorf("reported %03b for a closed descriptor", h.seen[s])
	}
	if err := h.Host.CloseFD(s); !errors.Is(err, syscall.EBADF) {
		h.Errorf("second CloseFD: %v", err)
	}
}

func resolve(h *harness) {
	for _, c := range []struct{ network, address, want string }{
		{"tcp", "127.0.0.1:80", "127.0.0.1:80"},
		{"tcp4", "127.0.0.1:0", "127.0.0.1:0"},
		{"tcp", "[::1]:8080", "[::1]:8080"},
		{"tcp4", "localhost:1", "127.0.0.1:1"},
		{"unix", "/run/x.sock", "/run/x.sock"},
	} {
		addrs, err := h.Host.Resolve(context.Background(), c.network, c.address)
		if err != nil || len(addrs) == 0 || addrs[0].String() != c.want {
			h.Errorf("Resolve(%s, %s) = %v, %v", c.network, c.address, addrs, err)
		}
	}
	for _, c := range [][2]string{
		{"tcp", "no port"},
		{"tcp", "127.0.0.1:http2000"},
		{"tcp4", "[::1]:1"},
		{"smoke", "127.0.0.1:1"},
	} {
		if addrs, err := h.Host.Resolve(context.Background(), c[0], c[1]); err == nil {
			h.Errorf("Resolve(%s, %s) = %v, want an error", c[0], c[1], addrs)
		}
	}
}
