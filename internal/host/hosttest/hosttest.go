// Package hosttest has the tests that every host.Host must pass. They use only the contract, and
// bounded waits.
package hosttest

import (
	"bytes"
	"net"
	"os"
	"testing"
	"time"

	"github.com/corolla-go/corolla/internal/host"
)

// Subject is a host to test, and what the tests cannot do through the contract.
type Subject struct {
	Host host.Host
	// Outside runs f on another goroutine.
	Outside func(f func())
	// Signal sends the program a signal.
	Signal func(os.Signal)
}

// Test runs the suite. It calls open for a new host for each test.
func Test(t *testing.T, open func(t *testing.T) Subject) {
	for _, c := range []struct {
		name string
		test func(*harness)
	}{
		{"ClockMovesForward", clockMovesForward},
		{"WaitEndsAtItsTime", waitEndsAtItsTime},
		{"WakeBeforeWait", wakeBeforeWait},
		{"WakeFromOutside", wakeFromOutside},
		{"ManyWakesAreOne", manyWakesAreOne},
		{"ConnectAcceptTalk", connectAcceptTalk},
		{"ConnectRefused", connectRefused},
		{"AddressInUse", addressInUse},
		{"ReadBeforeDataIsAgain", readBeforeDataIsAgain},
		{"EdgeComesOnceForEachArrival", edgeComesOnce},
		{"LevelComesWhileItLasts", levelComesWhileItLasts},
		{"WatchAgainReplacesTheInterest", watchAgainReplacesTheInterest},
		{"UnwatchEndsReports", unwatchEndsReports},
		{"EndOfStreamIsAHangup", endOfStreamIsAHangup},
		{"DataBeforeTheEndIsKept", dataBeforeTheEndIsKept},
		{"WriteAfterCloseWrite", writeAfterCloseWrite},
		{"CloseWithUnreadDataResets", closeWithUnreadDataResets},
		{"ResetIsSeenByThePeer", resetIsSeenByThePeer},
		{"BatchIsOneStream", batchIsOneStream},
		{"WriterIsToldOfRoom", writerIsToldOfRoom},
		{"ClosedDescriptorIsForgotten", closedDescriptorIsForgotten},
		{"DatagramsKeepTheirBounds", datagramsKeepTheirBounds},
		{"DatagramToNobody", datagramToNobody},
		{"PipeCarriesAStream", pipeCarriesAStream},
		{"PipeThatNobodyReads", pipeThatNobodyReads},
		{"SpliceThroughAPipe", spliceThroughAPipe},
		{"SendPartOfAFile", sendPartOfAFile},
		{"GivenDescriptorIsSilent", givenDescriptorIsSilent},
		{"DroppedParcelIsClosed", droppedParcelIsClosed},
		{"StartRunsJobsElsewhere", startRunsJobs},
		{"BlockRunsUntilItHasFound", blockRunsUntilItHasFound},
		{"BlockEndsWithStop", blockEndsWithStop},
		{"AfterFuncHearsOfTheEnd", afterFuncHearsOfTheEnd},
		{"AfterFuncStops", afterFuncStops},
		{"SignalsAreDelivered", signalsAreDelivered},
		{"ResolveLiteralsAndNames", resolve},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := &harness{T: t, Subject: open(t), buf: make([]event, host.MaxEvents)}
			c.test(h)
			for fd := range h.open {
				h.close(fd)
			}
			if err := h.Host.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
		})
	}
}

type (
	event = host.Event
	fd    = host.FD
)

type harness struct {
	*testing.T
	Subject
	buf  []event
	seen map[fd]host.Ready // everything reported and not yet taken
	open map[fd]bool
}

// patience is how long the suite waits for something that must happen: it only matters when a test
// fails.
const patience = 20 * time.Second

// await waits until everything in want was reported for d since it was last taken.
func (h *harness) await(d fd, want host.Ready) {
	h.Helper()
	for limit := h.Host.Now() + patience; h.seen[d]&want != want; {
		if h.Host.Now() >= limit {
			h.Fatalf("descriptor %d: reported %03b, never all of %03b", d, h.seen[d], want)
		}
		h.wait(limit)
	}
	h.seen[d] &^= want
}

func (h *harness) wait(until time.Duration) int {
	h.Helper()
	n, err := h.Host.Wait(h.buf, until)
	if err != nil {
		h.Fatalf("Wait: %v", err)
	}
	if h.seen == nil {
		h.seen = map[fd]host.Ready{}
	}
	for _, ev := range h.buf[:n] {
		h.seen[ev.FD] |= ev.Ready
	}
	return n
}

// until waits until done reports true, and says whether it did.
func (h *harness) until(done func() bool) bool {
	h.Helper()
	for limit := h.Host.Now() + patience; !done() && h.Host.Now() < limit; {
		h.wait(limit)
	}
	return done()
}

// settle takes whatever is reported for a while of the host's clock.
func (h *harness) settle() {
	h.Helper()
	for until := h.Host.Now() + 20*time.Millisecond; h.Host.Now() < until; {
		h.wait(until)
	}
}

func (h *harness) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

func (h *harness) watch(d fd, want host.Interest) {
	h.Helper()
	if h.open == nil {
		h.open = map[fd]bool{}
	}
	h.open[d] = true
	h.must(h.Host.Watch(d, want))
}

func (h *harness) close(d fd) {
	h.Helper()
	delete(h.open, d)
	delete(h.seen, d)
	if err := h.Host.CloseFD(d); err != nil {
		h.Errorf("CloseFD(%d): %v", d, err)
	}
}

const both = host.Read | host.Write | host.Edge

func (h *harness) listen() (fd, net.Addr) {
	h.Helper()
	d, err := h.Host.Listen(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}, host.Settings{})
	h.must(err)
	h.watch(d, host.Read|host.Edge)
	return d, h.Host.LocalAddr(d, false)
}

func (h *harness) accept(l fd) fd {
	h.Helper()
	c, err := h.Host.Accept(l)
	if err == host.ErrAgain {
		h.await(l, host.Readable)
		c, err = h.Host.Accept(l)
	}
	h.must(err)
	h.watch(c.FD, both)
	if said, known := c.Peer.Addr(), h.Host.PeerAddr(c.FD, false); said == nil || known != nil && said.String() != known.String() {
		h.Errorf("accepted from %v, but the peer is %v", said, known)
	}
	return c.FD
}

// pair returns two connected descriptors, both watched by edge.
func (h *harness) pair() (client, server fd) {
	h.Helper()
	l, addr := h.listen()
	client, err := h.Host.Connect(addr, host.Settings{})
	h.must(err)
	h.watch(client, both)
	server = h.accept(l)
	h.await(client, host.Writable)
	h.must(h.Host.ConnectError(client))
	h.close(l)
	return client, server
}

func (h *harness) write(d fd, s string) {
	h.Helper()
	for len(s) > 0 {
		n, err := h.Host.TryWrite(d, []byte(s))
		if s = s[n:]; err == host.ErrAgain || err == nil && len(s) > 0 {
			h.await(d, host.Writable)
			continue
		}
		h.must(err)
	}
}

// read reads exactly n bytes.
func (h *harness) read(d fd, n int) string {
	h.Helper()
	b := make([]byte, n)
	for got := 0; got < n; {
		m, err := h.Host.TryRead(d, b[got:])
		if err == host.ErrAgain {
			h.await(d, host.Readable)
			continue
		}
		h.must(err)
		got += m
	}
	return string(b)
}

// readEnd reads to the end of the stream, or to an error.
func (h *harness) readEnd(d fd) (string, error) {
	h.Helper()
	var all bytes.Buffer
	b := make([]byte, 4096)
	for {
		n, err := h.Host.TryRead(d, b)
		all.Write(b[:n])
		if err == host.ErrAgain {
			h.await(d, host.Readable)
			continue
		}
		if err != nil {
			return all.String(), err
		}
	}
}
