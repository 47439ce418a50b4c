package worker

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"

	"github.com/corolla-go/corolla"
)

// How connections go from a worker to the one that replaces it. Each worker inherits one end of a Unix socket
// pair for its successor, and the other end of its predecessor's, so the parent is not in the way. A message is a
// line of JSON:
//
//	successor → predecessor   hello: which version of this it speaks; take: a name that it knows
//	predecessor → successor   offer: a connection's name, its state, and what was received ahead
//	successor → predecessor   accept, or refuse
//	predecessor → successor   yours, and the descriptor; or never
//	successor → predecessor   mine, before it touches the connection; or refuse
//
// So it is clear at every moment whose the connection is, whoever is killed: up to "mine" the predecessor goes on
// with it when the successor says no or ends, and after that it forgets it. One step alone, offer and descriptor
// together, would do for a successor that answers or ends; for one that hangs the predecessor could take nothing
// back, and its clients would wait with it.
//
// The hello and the names are there before the predecessor is told to retire. So one that finds none, because the
// successor is of a version that hands nothing over, does not wait for them.

const (
	nextName = "worker-next" // among what a worker inherits: to its successor
	lastName = "worker-last" // to its predecessor

	handOverVersion = 1
	maxOffers       = 32        // that are not settled, of a worker
	maxOffered      = 256 << 10 // bytes of state, and of what was received ahead, of a connection
	maxMessage      = 1 << 20   // bytes of a line
)

// MaxState is how many bytes of state a connection may have that is handed over, together with what was received
// and not read.
const MaxState = maxOffered

// message is what the ends of a pair say to each other.
type message struct {
	Kind    string // hello, take, offer, accept, refuse, yours, never, mine
	Version int    `json:",omitempty"`
	Name    string `json:",omitempty"`
	ID      uint64 `json:",omitempty"` // of an offer
	State   []byte `json:",omitempty"`
	Ahead   []byte `json:",omitempty"`
	Local   string `json:",omitempty"`
	Peer    string `json:",omitempty"`
	Why     string `json:",omitempty"`
}

// channel is one end of a pair. It never waits: how much may be on its way is bounded by maxOffers.
type channel struct {
	sock  *corolla.Socket
	in    []byte
	files []*os.File // that have come, and whose messages have not
	out   []frame
	heard func(m message, take func() *os.File)
	lost  func(err error) // once
	mute  bool            // writing has failed
	over  bool
}

// frame is a message that is not sent whole.
type frame struct {
	b    []byte
	file syscall.Conn // goes with its first byte; nil if there is none
	sent func()       // or nil
}

// listen hears from the other end from now on: at once what has come already.
func (c *channel) listen() {
	c.read()
	if !c.over {
		c.sock.OnReadable(c.read)
	}
}

func (c *channel) read() {
	for !c.over {
		b := c.sock.Loop().Scratch()
		n, files, err := c.sock.TryReadFiles(b)
		if err == corolla.ErrWouldBlock {
			return
		}
		c.files = append(c.files, files...)
		if c.in = append(c.in, b[:n]...); len(c.in) > maxMessage {
			err = errors.New("a message without an end")
		}
		if err == nil {
			err = c.parse()
		}
		if err != nil {
			c.end(err)
		}
	}
}

// parse handles the messages that are there whole.
func (c *channel) parse() error {
	for !c.over {
		end := bytes.IndexByte(c.in, '\n')
		if end < 0 {
			return nil
		}
		var m message
		if err := json.Unmarshal(c.in[:end], &m); err != nil {
			return fmt.Errorf("not a message: %w", err)
		}
		if c.in = c.in[end+1:]; len(c.in) == 0 {
			c.in = nil
		}
		c.heard(m, c.file)
	}
	return nil
}

// file returns the file that came with a message, in their order.
func (c *channel) file() *os.File {
	if len(c.files) == 0 {
		return nil
	}
	f := c.files[0]
	c.files = c.files[1:]
	return f
}

// send sends a message, and a file if there is one. Sent is called when the system has taken all of it.
func (c *channel) send(m message, file syscall.Conn, sent func()) {
	if c.over || c.mute {
		return
	}
	b, err := json.Marshal(m)
	if err != nil { // of what there is, nothing can fail
		c.silence()
		return
	}
	if c.out = append(c.out, frame{append(b, '\n'), file, sent}); len(c.out) == 1 {
		c.write()
	}
}

func (c *channel) write() {
	for !c.over && len(c.out) > 0 { // over closes the socket, which calls this
		f := &c.out[0]
		var n int
		var err error
		if f.file != nil {
			n, err = c.sock.TryWriteFiles(f.b, f.file)
		} else {
			n, err = c.sock.TryWrite(f.b)
		}
		if n > 0 {
			f.b, f.file = f.b[n:], nil
		}
		switch {
		case err == corolla.ErrWouldBlock:
			if err = c.sock.OnceWritable(c.write); err == nil {
				return
			}
		case err == nil && len(f.b) > 0:
			continue
		}
		if err != nil {
			c.silence()
			return
		}
		sent := f.sent
		if c.out = c.out[1:]; sent != nil {
			sent()
		}
	}
}

// silence ends writing, after an error. What the other end has said before counts: it is read, up to its end.
func (c *channel) silence() {
	c.mute, c.out = true, nil
	_ = c.sock.CloseWrite() // or it is closed
}

// end ends the channel. An error is told, and io.EOF says that the other end has been closed.
func (c *channel) end(err error) {
	if c.over {
		return
	}
	c.over = true
	_ = c.sock.Close() // nothing waits in it
	for _, f := range c.files {
		_ = f.Close()
	}
	c.files, c.out = nil, nil
	if c.lost != nil {
		c.lost(err)
	}
}

// address is an address as text, and back. What does not read as one was none of TCP or Unix.
func address(a net.Addr) string {
	if a == nil {
		return ""
	}
	return a.Network() + " " + a.String()
}

func parseAddress(text string) net.Addr {
	network, where, _ := strings.Cut(text, " ")
	switch network {
	case "tcp":
		if a, err := netip.ParseAddrPort(where); err == nil {
			return net.TCPAddrFromAddrPort(a)
		}
	case "unix":
		return &net.UnixAddr{Name: where, Net: network}
	}
	return nil
}

// closed reports whether an error is only the end of the other end's process.
func closed(err error) bool {
	return err == io.EOF || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET)
}
