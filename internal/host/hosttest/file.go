package hosttest

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/corolla-go/corolla/internal/host"
)

// pipe returns the two ends of a pipe, both watched by edge.
func (h *harness) pipe() (r, w fd) {
	h.Helper()
	r, w, err := h.Host.OpenPipe()
	h.must(err)
	h.watch(r, both)
	h.watch(w, both)
	return r, w
}

func pipeCarriesAStream(h *harness) {
	r, w := h.pipe()
	if _, err := h.Host.TryRead(r, make([]byte, 1)); err != host.ErrAgain {
		h.Errorf("read of an empty pipe: %v", err)
	}
	h.write(w, "hello")
	if got := h.read(r, 5); got != "hello" {
		h.Errorf("read %q", got)
	}
	if _, err := h.Host.TryWrite(r, []byte("x")); err != syscall.EBADF {
		h.Errorf("write to the reading end: %v", err)
	}
	if _, err := h.Host.TryRead(w, make([]byte, 1)); err != syscall.EBADF {
		h.Errorf("read of the writing end: %v", err)
	}
	h.close(w)
	h.await(r, host.Hangup)
	if got, err := h.readEnd(r); got != "" || err != io.EOF {
		h.Errorf("at the end: %q, %v", got, err)
	}
}

func pipeThatNobodyReads(h *harness) {
	r, w := h.pipe()
	h.close(r)
	h.await(w, host.Hangup)
	if _, err := h.Host.TryWrite(w, []byte("x")); err != syscall.EPIPE {
		h.Errorf("write to a pipe that nobody reads: %v", err)
	}
}

// splice moves n bytes.
func (h *harness) splice(to, from fd, n int) {
	h.Helper()
	for n > 0 {
		moved, err := h.Host.TrySplice(to, from, n)
		if err == host.ErrAgain {
			h.wait(h.Host.Now() + 10*time.Millisecond)
			continue
		}
		h.must(err)
		n -= moved
	}
}

func spliceThroughAPipe(h *harness) {
	client, server := h.pair()
	r, w := h.pipe()
	if _, err := h.Host.TrySplice(w, server, 100); err != host.ErrAgain {
		h.Errorf("splice of nothing: %v", err)
	}
	text := strings.Repeat("splice ", 1000)
	h.write(client, text)
	h.splice(w, server, len(text))
	if _, err := h.Host.TrySplice(w, server, 100); err != host.ErrAgain {
		h.Errorf("splice of nothing more: %v", err)
	}
	h.splice(server, r, len(text)) // back to where it came from
	if got := h.read(client, len(text)); got != text {
		h.Errorf("came back as %d bytes", len(got))
	}
	h.must(h.Host.CloseWrite(client))
	h.await(server, host.Hangup)
	for {
		_, err := h.Host.TrySplice(w, server, 100)
		if err == io.EOF {
			break
		}
		if err != host.ErrAgain {
			h.Fatalf("splice at the end: %v", err)
		}
		h.wait(h.Host.Now() + 10*time.Millisecond)
	}
}

func sendPartOfAFile(h *harness) {
	client, server := h.pair()
	name := filepath.Join(h.TempDir(), "f")
	h.must(os.WriteFile(name, []byte("0123456789"), 0o600))
	f, err := os.Open(name)
	h.must(err)
	defer f.Close()
	for off := 3; off < 8; {
		n, err := h.Host.TrySendFile(server, f, int64(off), 8-off)
		if err == host.ErrAgain {
			h.await(server, host.Writable)
			continue
		}
		h.must(err)
		off += n
	}
	if got := h.read(client, 5); got != "34567" {
		h.Errorf("got %q", got)
	}
	if n, err := h.Host.TrySendFile(server, f, 10, 5); n != 0 || err != io.EOF {
		h.Errorf("past the end: %d, %v", n, err)
	}
}
