package wire_test

import (
	"errors"
	"fmt"
	"strings"

	"github.com/corolla-go/corolla/transport/framing"
)

// pusher is a connection in a style that is told what happens: callbacks and protocols.
type pusher interface {
	write(b []byte) error
	closeWrite()
	close()
	abort()
	pause()
	resume()
	buffered() int
	// startTLS ends with done, or the end of the connection. What arrives next comes through TLS.
	startTLS(done func(error)) error
}

// push has the conversation of e on a connection, and is told what happens there.
type push struct {
	e       *exchange
	c       pusher
	tally   tally
	head    string // what came before TLS
	secure  bool
	piece   int // of an echo: the one that is under way
	missing int // of it, bytes; of a batch, messages
	batches [][][]byte
	left    int  // bytes of bulk
	paused  bool // writing is, and
	full    bool // was once
	closing bool // by this side, first
	failed  error
}

func newPush(e *exchange, c pusher) *push {
	p := &push{e: e, c: c, left: bulk, secure: e.name != "starttls", piece: -1}
	if k, ok := kinds[e.name]; ok {
		p.batches = k.batches()
	}
	return p
}

// decoder returns what makes the messages of the conversation, or nil.
func (e *exchange) decoder() framing.Decoder {
	if k, ok := kinds[e.name]; ok {
		return k.decoder()
	}
	return nil
}

func (p *push) isClient() bool { return p.e.role == "client" }

// fail ends the conversation with an error, if there is one.
func (p *push) fail(err error) {
	if err != nil && p.failed == nil {
		p.failed = err
		p.c.abort()
	}
}

func (p *push) opened() {
	client := p.isClient()
	switch name := p.e.name; {
	case strings.HasPrefix(name, "slow-"):
		if name == "slow-"+p.e.role {
			p.c.pause()
			p.e.onPeerFull(func() {
				if p.tally.got > 0 {
					p.fail(fmt.Errorf("got %d bytes while reading was paused", p.tally.got))
				}
				p.c.resume()
			})
			return
		}
		p.sendBulk()
	case !client:
	case name == "starttls":
		p.fail(p.c.write([]byte("STARTTLS\r\n")))
	case name == "halfclose":
		p.fail(p.c.write(pattern(half, 1)))
		p.c.closeWrite()
	case strings.HasPrefix(name, "abort-"):
		p.fail(p.c.write([]byte("hello")))
	case p.batches != nil:
		p.nextBatch()
	default:
		p.nextPiece()
	}
}

func (p *push) data(b []byte) {
	if !p.secure {
		p.beforeTLS(b)
		return
	}
	p.tally.add(b)
	switch name := p.e.name; {
	case name == "halfclose" || strings.HasPrefix(name, "slow-"):
	case !p.isClient():
		if string(b) == "abort" {
			p.c.abort()
		} else {
			p.fail(p.c.write(b))
		}
	case strings.HasPrefix(name, "abort-"):
		if p.tally.got < len("hello") {
			return
		}
		if name == "abort-client" {
			p.c.abort()
		} else {
			p.fail(p.c.write([]byte("abort")))
		}
	default:
		if p.missing -= len(b); p.missing == 0 {
			p.nextPiece()
		}
	}
}

func (p *push) beforeTLS(b []byte) {
	p.head += string(b)
	switch {
	case p.isClient() && p.head == "OK\r\n":
		p.secure = true
		p.fail(p.c.startTLS(func(err error) {
			if err == nil {
				p.nextPiece()
			}
		}))
	case !p.isClient() && p.head == "STARTTLS\r\n":
		p.secure = true
		p.fail(p.c.write([]byte("OK\r\n")))
		p.fail(p.c.startTLS(func(error) {}))
	}
}

func (p *push) nextPiece() {
	if p.piece++; p.piece == len(pieces) {
		p.closing = true
		p.c.close()
		return
	}
	p.missing = pieces[p.piece]
	p.fail(p.c.write(pattern(p.missing, p.piece)))
}

func (p *push) message(m []byte) {
	p.tally.message(m)
	if !p.isClient() {
		p.fail(p.c.write(kinds[p.e.name].pack(nil, answer(m))))
	} else if p.missing--; p.missing == 0 {
		p.nextBatch()
	}
}

func (p *push) nextBatch() {
	if len(p.batches) == 0 {
		p.closing = true
		p.c.close()
		return
	}
	batch := p.batches[0]
	p.batches, p.missing = p.batches[1:], len(batch)
	p.fail(p.c.write(kinds[p.e.name].packAll(batch)))
}

func (p *push) sendBulk() {
	for p.left > 0 && !p.paused {
		p.left -= chunk
		p.fail(p.c.write(pattern(chunk, 0)))
		p.e.most = max(p.e.most, p.c.buffered())
	}
	if p.left == 0 {
		p.c.close()
	}
}

// room is told that too much is unsent, or no longer.
func (p *push) room(paused bool) {
	p.paused = paused
	if !paused && p.left > 0 && p.full {
		p.sendBulk()
	} else if paused && !p.full && p.left < bulk {
		p.full = true
		p.e.full()
	}
}

// eof returns whether the connection is to stay open for writing.
func (p *push) eof() bool {
	if p.e.name == "halfclose" && !p.isClient() {
		p.fail(p.c.write(pattern(half, 2)))
		p.c.close()
		return true
	}
	return false
}

func (p *push) closed(err error) {
	word := how(err)
	if p.closing && word == "eof" {
		word = "closed"
	}
	result := p.tally.end(word)
	if name := p.e.name; strings.HasPrefix(name, "slow-") && name != "slow-"+p.e.role && err == nil {
		paused := map[bool]string{true: "True", false: "False"}[p.full]
		result = fmt.Sprintf("sent=%d paused=%s", bulk-p.left, paused)
	}
	p.e.report(result, p.failed)
}

var errNoTLS = errors.New("a socket with callbacks has no TLS")
