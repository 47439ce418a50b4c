package transport_test

import (
	"errors"
	"io"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/transport"
)

// fragile panics when it is told of a water mark: as a protocol, or as a producer.
type fragile struct {
	recorder
	at string
}

func (f *fragile) hit(what string) {
	if f.say("%s", what); f.at == what {
		panic(what)
	}
}

func (f *fragile) PauseWriting(*transport.Conn)  { f.hit("PauseWriting") }
func (f *fragile) ResumeWriting(*transport.Conn) { f.hit("ResumeWriting") }
func (f *fragile) Pause()                        { f.hit("Pause") }
func (f *fragile) Resume()                       { f.hit("Resume") }
func (f *fragile) Stop()                         {}

// A panic within a Write reaches Closed, whoever writes.
func TestPanicAtAWaterMarkResets(t *testing.T) {
	for _, at := range []string{"PauseWriting", "ResumeWriting", "Pause", "Resume"} {
		for who, write := range map[string]func(l *corolla.Loop, f func()){
			"callback": func(l *corolla.Loop, f func()) { l.Soon(f) },
			"task":     func(l *corolla.Loop, f func()) { l.Go(func(*corolla.Task) error { f(); return nil }) },
		} {
			t.Run(at+" in a "+who, func(t *testing.T) {
				serve(t, &fragile{at: at}, func(t *testing.T, task *corolla.Task, client *aio.Conn) {
					p := current.(*fragile)
					until(t, task, func() bool { return p.conn != nil })
					if at == "Pause" || at == "Resume" {
						if err := p.conn.RegisterProducer(p); err != nil {
							t.Fatal(err)
						}
					}
					goesOn := false
					write(task.Loop(), func() { _ = p.conn.Write(make([]byte, 8<<20)); goesOn = true })
					if _, err := readAll(t, task, client); err == io.EOF {
						t.Error("the peer sees a clean end")
					}
					err := p.wait(t, task)
					if panicked := new(corolla.PanicError); !errors.As(err, &panicked) || panicked.Value != at {
						t.Errorf("Closed got %v", err)
					}
					if !goesOn || len(*logged) != 1 {
						t.Errorf("who writes goes on: %v; reported: %v", goesOn, *logged)
					}
				})
			})
		}
	}
}

// hesitant does something with its connection when it is asked for a buffer.
type hesitant struct {
	recorder
	buf      [100]byte
	onBuffer func(c *transport.Conn)
}

func (h *hesitant) Buffer(c *transport.Conn) []byte {
	if f := h.onBuffer; f != nil {
		h.onBuffer = nil
		f(c)
	}
	return h.buf[:]
}

func (h *hesitant) Filled(c *transport.Conn, n int) { h.Data(c, h.buf[:n]) }

// What Buffer says of the connection holds for the reading that it was called for.
func TestBufferMayPauseOrEndReading(t *testing.T) {
	for name, act := range map[string]func(c *transport.Conn){
		"PauseReading": (*transport.Conn).PauseReading,
		"Close":        (*transport.Conn).Close,
		"Abort":        (*transport.Conn).Abort,
	} {
		t.Run(name, func(t *testing.T) {
			serve(t, &hesitant{onBuffer: act}, func(t *testing.T, task *corolla.Task, client *aio.Conn) {
				p := current.(*hesitant)
				mustWrite(t, task, client, "hello")
				until(t, task, func() bool { return p.onBuffer == nil && p.conn != nil })
				for range 5 {
					_ = task.Yield()
				}
				if name == "PauseReading" {
					if p.String() != "opened" {
						t.Errorf("while reading is paused: %q", p)
					}
					p.conn.ResumeReading()
					until(t, task, func() bool { return p.String() == "opened data" })
					p.conn.Abort()
				} else if p.String() != "opened closed" {
					t.Errorf("%q", p)
				}
				_ = p.wait(t, task)
			})
		})
	}
}
