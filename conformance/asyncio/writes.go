package asyncio

import (
	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/conformance/scenario"
)

func protocolClose(r *scenario.Run) {
	connected(r, func(t *corolla.Task, p *recorder, peer *aio.Conn) {
		_ = p.conn.Write(make([]byte, much))
		p.conn.Close()
		p.conn.Close()
		r.Say("closed")
		_ = t.Sleep(10 * ms)
		got := len(readAll(t, peer))
		_ = t.Sleep(10 * ms)
		r.Say("peer got all: %s", yes(got == much))
		_ = peer.Close()
	})
}

func protocolCloseIdle(r *scenario.Run) {
	connected(r, func(t *corolla.Task, p *recorder, peer *aio.Conn) {
		t.Loop().Soon(func() { r.Say("ready") })
		p.conn.Close()
		r.Say("closed")
		_ = t.Sleep(10 * ms)
		r.Say("peer got: %d", len(readAll(t, peer)))
		_ = peer.Close()
	})
}

func protocolCloseNoData(r *scenario.Run) {
	connected(r, func(t *corolla.Task, p *recorder, peer *aio.Conn) {
		_, _ = peer.Write(t, []byte("first"))
		_ = t.Sleep(10 * ms)
		p.conn.PauseReading()
		_, _ = peer.Write(t, []byte("second"))
		_ = t.Sleep(10 * ms)
		p.conn.Close()
		p.conn.ResumeReading()
		r.Say("closed")
		_ = t.Sleep(10 * ms)
		_ = peer.Close()
	})
}

func protocolAbort(r *scenario.Run) {
	connected(r, func(t *corolla.Task, p *recorder, peer *aio.Conn) {
		_ = p.conn.Write(make([]byte, much))
		p.conn.Abort()
		p.conn.Abort()
		r.Say("aborted")
		_ = t.Sleep(10 * ms)
		_ = peer.Close()
	})
}

func protocolWriteAfterClose(r *scenario.Run) {
	connected(r, func(t *corolla.Task, p *recorder, peer *aio.Conn) {
		_ = p.conn.Write(make([]byte, much))
		p.conn.Close()
		if p.conn.Write([]byte("late")) != nil {
			r.Say("write: refused")
		} else {
			r.Say("written")
		}
		_ = t.Sleep(10 * ms)
		got := len(readAll(t, peer))
		_ = t.Sleep(10 * ms)
		r.Say("peer got %d bytes that were late", got-much)
		_ = peer.Close()
	})
}

func protocolWriteLost(r *scenario.Run) {
	connected(r, func(t *corolla.Task, p *recorder, peer *aio.Conn) {
		_ = peer.Close()
		_ = t.Sleep(10 * ms)
		for range 2 {
			if p.conn.Write([]byte("late")) != nil {
				r.Say("write: refused")
			} else {
				r.Say("written")
			}
		}
	})
}

func protocolWriteNow(r *scenario.Run) {
	connected(r, func(t *corolla.Task, p *recorder, peer *aio.Conn) {
		_ = p.conn.Write([]byte("one"))
		r.Say("buffered: %d", p.conn.Buffered())
		_ = t.Sleep(10 * ms)
		_ = p.conn.Write(make([]byte, much))
		r.Say("buffered any: %s", yes(p.conn.Buffered() > 0))
		_ = p.conn.Write([]byte("two"))
		b := make([]byte, 3)
		_, _ = peer.ReadFull(t, b)
		r.Say("peer got: %s", b)
		_ = peer.Abort()
		_ = t.Sleep(10 * ms)
	})
}

func protocolWriteEof(r *scenario.Run) {
	connected(r, func(t *corolla.Task, p *recorder, peer *aio.Conn) {
		_ = p.conn.Write([]byte("last words"))
		p.conn.CloseWrite()
		p.conn.CloseWrite()
		if p.conn.Write([]byte("more")) != nil {
			r.Say("write: refused")
		} else {
			r.Say("written")
		}
		r.Say("peer got: %s", readAll(t, peer))
		_, _ = peer.Write(t, []byte("answer"))
		_ = t.Sleep(10 * ms)
		_ = peer.Close()
		_ = t.Sleep(10 * ms)
	})
}

func protocolFlow(r *scenario.Run) {
	connected(r, func(t *corolla.Task, p *recorder, peer *aio.Conn) {
		for _, size := range []int{much, 1000} {
			r.Say("write %d", size)
			_ = p.conn.Write(make([]byte, size))
			r.Say("written %d", size)
		}
		_ = t.Sleep(10 * ms)
		got, _ := peer.ReadFull(t, make([]byte, much+1000))
		_ = t.Sleep(10 * ms)
		r.Say("peer got all: %s", yes(got == much+1000))
		_ = peer.Close()
		_ = t.Sleep(10 * ms)
	})
}
