package wire_test

import (
	"fmt"
	"io"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/transport/framing"
)

// linear is a connection in a style whose calls wait, or seem to: tasks, green threads and generators.
type linear interface {
	io.ReadWriter
	CloseWrite() error
	Close() error
	Abort() error
	startTLS() error
	await(f *corolla.Future[struct{}]) error
	buffered() int
	// onFull calls f, once, when the system takes no more of what is written.
	onFull(f func())
}

// talk has a conversation, and returns what this side reports.
func (e *exchange) talk(c linear) (string, error) {
	talks := map[string][2]func(c linear, y *tally) (string, error){
		"halfclose":   {halfCloseServer, halfCloseClient},
		"slow-server": {e.receiveSlowly, e.sendBulk}, "slow-client": {e.sendBulk, e.receiveSlowly},
		"abort-client": {echoServer, e.abortClient}, "abort-server": {echoServer, e.abortClient},
		"starttls": {startTLSServer, startTLSClient},
	}
	two, ok := talks[e.name]
	if k, isKind := kinds[e.name]; isKind {
		two = [2]func(linear, *tally) (string, error){k.server, k.client}
	} else if !ok {
		two = [2]func(linear, *tally) (string, error){echoServer, echoClient}
	}
	if e.role == "client" {
		return two[1](c, new(tally))
	}
	return two[0](c, new(tally))
}

func echoServer(c linear, y *tally) (string, error) {
	buf := make([]byte, 64<<10)
	for {
		n, err := c.Read(buf)
		if err == io.EOF {
			return y.end("eof"), c.Close()
		} else if err != nil {
			c.Close()
			return y.end(how(err)), nil
		}
		y.add(buf[:n])
		if string(buf[:n]) == "abort" {
			if err := c.Abort(); err != nil {
				return "", err
			}
		} else if _, err := c.Write(buf[:n]); err != nil {
			return "", err
		}
	}
}

func echoClient(c linear, y *tally) (string, error) {
	for k, size := range pieces {
		if _, err := c.Write(pattern(size, k)); err != nil {
			return "", err
		}
		b := make([]byte, size)
		if _, err := io.ReadFull(c, b); err != nil {
			return "", err
		}
		y.add(b)
	}
	return y.end("closed"), c.Close()
}

// expect reads what must come next.
func expect(c linear, text string) error {
	b := make([]byte, len(text))
	if _, err := io.ReadFull(c, b); err != nil || string(b) != text {
		return fmt.Errorf("got %q, %v; want %q", b, err, text)
	}
	return nil
}

func startTLSServer(c linear, y *tally) (string, error) {
	if err := expect(c, "STARTTLS\r\n"); err != nil {
		return "", err
	} else if _, err := c.Write([]byte("OK\r\n")); err != nil {
		return "", err
	} else if err := c.startTLS(); err != nil {
		return "", err
	}
	return echoServer(c, y)
}

func startTLSClient(c linear, y *tally) (string, error) {
	if _, err := c.Write([]byte("STARTTLS\r\n")); err != nil {
		return "", err
	} else if err := expect(c, "OK\r\n"); err != nil {
		return "", err
	} else if err := c.startTLS(); err != nil {
		return "", err
	}
	return echoClient(c, y)
}

// rest reads to the end of the stream.
func rest(c linear, y *tally) error {
	buf := make([]byte, 64<<10)
	for {
		n, err := c.Read(buf)
		y.add(buf[:n])
		if err != nil {
			return err
		}
	}
}

func halfCloseServer(c linear, y *tally) (string, error) {
	end := rest(c, y)
	if _, err := c.Write(pattern(half, 2)); err != nil {
		return "", err
	}
	return y.end(how(end)), c.Close()
}

func halfCloseClient(c linear, y *tally) (string, error) {
	if _, err := c.Write(pattern(half, 1)); err != nil {
		return "", err
	} else if err := c.CloseWrite(); err != nil {
		return "", err
	}
	end := rest(c, y)
	return y.end(how(end)), c.Close()
}

func (k kind) server(c linear, y *tally) (string, error) {
	for m, err := range framing.Messages(c, k.decoder()) {
		if err != nil {
			return "", err
		}
		y.message(m)
		if _, err := c.Write(k.pack(nil, answer(m))); err != nil {
			return "", err
		}
	}
	return y.end("eof"), c.Close()
}

func (k kind) client(c linear, y *tally) (string, error) {
	d := k.decoder()
	for _, batch := range k.batches() {
		if _, err := c.Write(k.packAll(batch)); err != nil {
			return "", err
		}
		missing := len(batch)
		for m, err := range framing.Messages(c, d) {
			if err != nil {
				return "", err
			}
			y.message(m)
			if missing--; missing == 0 {
				break
			}
		}
		if missing > 0 {
			return "", fmt.Errorf("the stream ended before %d answers", missing)
		}
	}
	return y.end("closed"), c.Close()
}

func (e *exchange) sendBulk(c linear, _ *tally) (string, error) {
	paused := "False"
	c.onFull(func() {
		paused = "True"
		e.most = max(e.most, c.buffered())
		e.full()
	})
	for range bulk / chunk {
		if _, err := c.Write(pattern(chunk, 0)); err != nil {
			return "", err
		}
		e.most = max(e.most, c.buffered())
	}
	return fmt.Sprintf("sent=%d paused=%s", bulk, paused), c.Close()
}

func (e *exchange) receiveSlowly(c linear, y *tally) (string, error) {
	if err := c.await(e.peerFull); err != nil {
		return "", err
	}
	end := rest(c, y)
	return y.end(how(end)), c.Close()
}

func (e *exchange) abortClient(c linear, y *tally) (string, error) {
	if _, err := c.Write([]byte("hello")); err != nil {
		return "", err
	} else if err := expect(c, "hello"); err != nil {
		return "", err
	}
	y.add([]byte("hello"))
	if e.name == "abort-client" {
		if err := c.Abort(); err != nil {
			return "", err
		}
	} else if _, err := c.Write([]byte("abort")); err != nil {
		return "", err
	}
	end := rest(c, y)
	c.Close()
	return y.end(how(end)), nil
}
