package asyncio

import (
	"bytes"
	"errors"
	"io"
	"strings"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/conformance/scenario"
)

// paired runs body with the two ends of a stream, and closes them.
func paired(r *scenario.Run, body func(t *corolla.Task, ours, peer *aio.Conn)) {
	pairedOn(r, "unix", newAddress(), body)
}

// pairedTCP is paired where TCP matters: a Unix socket has no reset.
func pairedTCP(r *scenario.Run, body func(t *corolla.Task, ours, peer *aio.Conn)) {
	pairedOn(r, "tcp", "127.0.0.1:0", body)
}

func pairedOn(r *scenario.Run, network, address string, body func(t *corolla.Task, ours, peer *aio.Conn)) {
	r.Main(func(t *corolla.Task) error {
		ours, peer, err := pair(t, network, address)
		if err != nil {
			return err
		}
		defer ours.Close()
		defer peer.Close()
		body(t, ours, peer)
		return nil
	})
}

// readSome reads n bytes, or less at the end of the stream.
func readSome(t *corolla.Task, c *aio.Conn, n int) (string, error) {
	b := make([]byte, n)
	n, err := c.ReadFull(t, b)
	return string(b[:n]), err
}

// errEnds are how a stream ends.
var errEnds = []error{io.EOF, io.ErrUnexpectedEOF}

func write(t *corolla.Task, c *aio.Conn, s string) { _, _ = c.Write(t, []byte(s)) }

func streamReadBusy(r *scenario.Run) {
	paired(r, func(t *corolla.Task, ours, peer *aio.Conn) {
		first := corolla.Go(t.Loop(), func(t *corolla.Task) (string, error) { return readSome(t, ours, 5) })
		_ = t.Sleep(10 * ms)
		if _, err := readSome(t, ours, 5); err == corolla.ErrBusy {
			r.Say("second: refused")
		}
		write(t, peer, "hello")
		r.Say("first: %s", outcome(first.Await(t)))
	})
}

func streamUntilLimit(r *scenario.Run) {
	paired(r, func(t *corolla.Task, ours, peer *aio.Conn) {
		ours.SetLimit(8)
		write(t, peer, "short;a very long one;")
		_ = t.Sleep(10 * ms)
		b, _ := ours.ReadUntil(t, []byte(";"))
		r.Say("%s", b)
		if _, err := ours.ReadUntil(t, []byte(";")); errors.Is(err, aio.ErrTooLong) {
			r.Say("too long")
		}
		rest, _ := readSome(t, ours, 14)
		r.Say("%s", rest)
	})
}

func streamLineLimit(r *scenario.Run) {
	paired(r, func(t *corolla.Task, ours, peer *aio.Conn) {
		ours.SetLimit(8)
		write(t, peer, "a very long line\n")
		_ = t.Sleep(10 * ms)
		for _, err := range ours.Lines(t) {
			if errors.Is(err, aio.ErrTooLong) {
				r.Say("too long")
			}
			break
		}
		write(t, peer, "next\n")
		_ = peer.Close()
		ours.SetLimit(aio.DefaultLimit)
		var rest string
		for line, err := range ours.Lines(t) {
			if err == nil {
				rest += string(line) + ";"
			}
		}
		r.Say("%s", rest)
	})
}

func streamEnds(r *scenario.Run) {
	paired(r, func(t *corolla.Task, ours, peer *aio.Conn) {
		attempt := func(what string, b []byte, err error) {
			switch {
			case err == nil:
				r.Say("%s: %s", what, b)
			case what == "read":
				r.Say("%s: end", what)
			case len(b) > 0:
				r.Say("%s: end after %s", what, b)
			default:
				r.Say("%s: end after nothing", what)
			}
		}
		readFull := func(n int) {
			s, err := readSome(t, ours, n)
			attempt("readexactly", []byte(s), err)
		}
		readUntil := func() {
			b, err := ours.ReadUntil(t, []byte(";"))
			attempt("readuntil", b, err)
		}
		read := func() {
			b := make([]byte, 10)
			n, err := ours.Read(t, b)
			attempt("read", b[:n], err)
		}
		write(t, peer, "four"+"word;"+"rest")
		_ = peer.CloseWrite()
		_ = t.Sleep(10 * ms)
		readFull(4)
		readUntil()
		readUntil()
		read()
		read()
		readFull(3)
	})
}

func streamLines(r *scenario.Run) {
	paired(r, func(t *corolla.Task, ours, peer *aio.Conn) {
		sending := t.Loop().Go(func(t *corolla.Task) error {
			for _, piece := range []string{"one\ntw", "o\n\nthr", "ee"} {
				write(t, peer, piece)
				_ = t.Sleep(10 * ms)
			}
			return peer.Close()
		})
		for line, err := range ours.Lines(t) {
			if err == nil {
				r.Say("line: %s.", line)
			}
		}
		r.Say("end")
		_, _ = sending.Await(t)
	})
}

func streamLost(r *scenario.Run) {
	pairedTCP(r, func(t *corolla.Task, ours, peer *aio.Conn) {
		read := func(t *corolla.Task) (int, error) { return ours.Read(t, make([]byte, 10)) }
		reading := corolla.Go(t.Loop(), read)
		_ = t.Sleep(10 * ms)
		_ = peer.Abort()
		_ = t.Sleep(10 * ms)
		r.Say("read: %s", outcome(reading.Await(t)))
		r.Say("read again: %s", outcome(read(t)))
		write(t, ours, "late")
		if err := ours.Flush(t); err != nil {
			r.Say("drain: failed")
		} else {
			r.Say("drain: done")
		}
	})
}

func streamAbort(r *scenario.Run) {
	pairedTCP(r, func(t *corolla.Task, ours, peer *aio.Conn) {
		_ = peer.Abort()
		_ = t.Sleep(10 * ms)
		switch _, err := ours.Read(t, make([]byte, 10)); err {
		case io.EOF:
			r.Say("read: end")
		default:
			r.Say("read: %s", word(err))
		}
	})
}

func streamDrain(r *scenario.Run) {
	paired(r, func(t *corolla.Task, ours, peer *aio.Conn) {
		l := t.Loop()
		l.Go(func(t *corolla.Task) error { _, err := ours.Write(t, make([]byte, much)); return err })
		drain := func(name string) *corolla.Future[struct{}] {
			return l.Go(func(t *corolla.Task) error {
				err := ours.Flush(t)
				r.Say("%s has drained", name)
				return err
			})
		}
		all := corolla.All(l, drain("a"), drain("b"), drain("c"))
		_ = t.Sleep(10 * ms)
		r.Say("peer reads")
		_, _ = peer.ReadFull(t, make([]byte, much))
		_, _ = all.Await(t)
		r.Say("end")
	})
}

func streamHalfClose(r *scenario.Run) {
	paired(r, func(t *corolla.Task, ours, peer *aio.Conn) {
		answering := t.Loop().Go(func(t *corolla.Task) error {
			request := readAll(t, peer)
			r.Say("request: %s", request)
			_ = t.Sleep(10 * ms)
			write(t, peer, "QUESTION")
			return peer.Close()
		})
		write(t, ours, "quest")
		_ = t.Sleep(10 * ms)
		write(t, ours, "ion")
		_ = ours.CloseWrite()
		r.Say("answer: %s", readAll(t, ours))
		_, _ = answering.Await(t)
	})
}

func streamReadCanceled(r *scenario.Run) {
	paired(r, func(t *corolla.Task, ours, peer *aio.Conn) {
		write(t, peer, "hel")
		late := make([]byte, 5)
		got := 0
		err := t.Timeout(10*ms, func(*corolla.Scope) (err error) {
			got, err = ours.ReadFull(t, late)
			return err
		})
		r.Say("in time: %s", word(err))
		write(t, peer, "lo")
		_, err = ours.ReadFull(t, late[got:])
		r.Say("later: %s", outcome(string(late), err))
	})
}

func streamWriteWaits(r *scenario.Run) {
	paired(r, func(t *corolla.Task, ours, peer *aio.Conn) {
		sending := t.Loop().Go(func(t *corolla.Task) error {
			for n := range 2 {
				_, _ = ours.Write(t, make([]byte, much))
				r.Say("written %d", n)
			}
			return nil
		})
		_ = t.Sleep(10 * ms)
		r.Say("peer reads")
		got, _ := peer.ReadFull(t, make([]byte, 2*much))
		_, _ = sending.Await(t)
		r.Say("peer got all: %s", yes(got == 2*much))
	})
}

func streamWriters(r *scenario.Run) {
	paired(r, func(t *corolla.Task, ours, peer *aio.Conn) {
		const size = 1 << 20
		for _, letter := range []string{"a", "b"} {
			t.Loop().Go(func(t *corolla.Task) error {
				for range 2 {
					_, _ = ours.Write(t, bytes.Repeat([]byte(letter), size))
					r.Say("%s is written", letter)
				}
				return nil
			})
		}
		_ = t.Sleep(10 * ms)
		var got []string
		for range 4 {
			piece, _ := readSome(t, peer, size)
			if whole := piece[:1]; strings.Count(piece, whole) == size {
				got = append(got, whole)
			} else {
				got = append(got, "ab")
			}
		}
		_ = t.Sleep(10 * ms)
		r.Say("peer got %s", strings.Join(got, " "))
	})
}
