package asyncio

import (
	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/conformance/scenario"
	"github.com/corolla-go/corolla/transport"
)

func protocolStart(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		ours, theirs, err := pair(t, "unix", newAddress())
		if err != nil {
			return err
		}
		_, _ = theirs.Write(t, []byte("hello"))
		_ = theirs.Flush(t)
		p := &recorder{r: r, opened: func() { t.Loop().Soon(func() { r.Say("next turn") }) }}
		c := transport.New(ours.Socket(), p)
		_ = t.Sleep(10 * ms)
		r.Say("close")
		c.Close()
		return t.Sleep(10 * ms)
	})
}

func protocolEof(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		for _, keepOpen := range []bool{false, true} {
			p := &recorder{r: r, eof: func() bool { return keepOpen }}
			peer, err := connect(t, p)
			if err != nil {
				return err
			}
			_ = peer.CloseWrite()
			_ = t.Sleep(10 * ms)
			if keepOpen {
				_ = p.conn.Write([]byte("still here"))
				p.conn.Close()
				_ = t.Sleep(10 * ms)
			}
			r.Say("peer got: %s", readAll(t, peer))
			_ = peer.Close()
		}
		return nil
	})
}

func protocolDataRaises(r *scenario.Run) {
	l := r.Loop(corolla.ErrorHandler(func(err error) { r.Say("handler: %s", word(err)) }))
	_ = l.Run(func(t *corolla.Task) error {
		peer, err := connect(t, &recorder{r: r, data: func() { panic(errBad) }})
		if err != nil {
			return err
		}
		_, _ = peer.Write(t, []byte("first"))
		_ = t.Sleep(10 * ms)
		return peer.Close()
	})
}

func protocolPauseReading(r *scenario.Run) {
	connected(r, func(t *corolla.Task, p *recorder, peer *aio.Conn) {
		p.conn.PauseReading()
		p.conn.PauseReading()
		r.Say("paused")
		_, _ = peer.Write(t, []byte("held"))
		_ = t.Sleep(10 * ms)
		p.conn.ResumeReading()
		p.conn.ResumeReading()
		r.Say("resumed")
		_ = t.Sleep(10 * ms)
		_, _ = peer.Write(t, []byte("more"))
		_ = t.Sleep(10 * ms)
		_ = peer.Close()
		_ = t.Sleep(10 * ms)
	})
}

// fourBytes is a protocol that reads four bytes at a time.
type fourBytes struct {
	r      *scenario.Run
	buffer [4]byte
}

func (p *fourBytes) Opened(*transport.Conn)              {}
func (p *fourBytes) Data(*transport.Conn, []byte)        {}
func (p *fourBytes) Buffer(*transport.Conn) []byte       { return p.buffer[:] }
func (p *fourBytes) Filled(_ *transport.Conn, n int)     { p.r.Say("filled: %s", p.buffer[:n]) }
func (p *fourBytes) Closed(_ *transport.Conn, err error) { p.r.Say("lost") }

func protocolBuffered(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		peer, err := connect(t, &fourBytes{r: r})
		if err != nil {
			return err
		}
		_, _ = peer.Write(t, []byte("abcdefghij"))
		_ = t.Sleep(10 * ms)
		_ = peer.Close()
		return t.Sleep(10 * ms)
	})
}

// upgrading is a protocol that makes way for another when it gets data.
type upgrading struct{ r *scenario.Run }

func (p upgrading) Opened(*transport.Conn)        {}
func (p upgrading) Closed(*transport.Conn, error) {}
func (p upgrading) Data(c *transport.Conn, b []byte) {
	p.r.Say("first protocol: %s", b)
	c.SetProtocol(&recorder{r: p.r})
}

func protocolSetProtocol(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		peer, err := connect(t, upgrading{r})
		if err != nil {
			return err
		}
		for _, word := range []string{"upgrade", "upgraded"} {
			_, _ = peer.Write(t, []byte(word))
			_ = t.Sleep(10 * ms)
		}
		_ = peer.Close()
		return t.Sleep(10 * ms)
	})
}
