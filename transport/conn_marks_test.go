package transport_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/transport"
)

func TestExactWaterMarks(t *testing.T) { // rule 45, twisted 27
	serve(t, &pauser{recorder{onData: func(c *transport.Conn, _ []byte) { // within which nothing leaves
		said := func(what string) string { return "opened data" + what }
		p := &pushing{conn: c}
		if err := c.RegisterProducer(p); err != nil {
			t.Error(err)
		}
		for _, step := range []struct {
			do     func()
			want   string
			pauses int
		}{
			{func() { _ = c.Write(make([]byte, corolla.DefaultHighWater)) }, "", 0}, // 64 KiB is not above 64 KiB
			{func() { _ = c.Write([]byte("x")) }, " pause", 1},
			{func() { _ = c.Write([]byte("x")) }, " pause", 1},
			{func() { c.SetWriteMarks(c.Buffered()-1, c.Buffered()) }, " pause", 1},
			{func() { c.SetWriteMarks(c.Buffered(), c.Buffered()) }, " pause resume", 1},
			{func() { c.SetWriteMarks(1, c.Buffered()-1) }, " pause resume pause", 2},
		} {
			step.do()
			if got := rec().String(); got != said(step.want) || p.pauses != step.pauses {
				t.Errorf("with %d bytes: %q and %d pauses of the producer, want %q and %d",
					c.Buffered(), got, p.pauses, said(step.want), step.pauses)
			}
		}
		c.Abort()
	}}}, func(t *testing.T, task *corolla.Task, client *aio.Conn) {
		mustWrite(t, task, client, "x")
		_ = ended(t, task)
	})
}

func TestWaterMarks(t *testing.T) { // rule 45
	serve(t, &pauser{}, func(t *testing.T, task *corolla.Task, client *aio.Conn) {
		until(t, task, func() bool { return rec().conn != nil })
		c := rec().conn
		c.SetWriteMarks(1000, -1)
		task.Loop().Soon(func() {
			rec().said = nil
			clogged(c)
			if got := rec().String(); got != "pause" {
				t.Errorf("within the Write the protocol was told %q", got)
			}
			for range 10 {
				_ = c.Write(make([]byte, 4000))
			}
		})
		buf := make([]byte, 64<<10)
		until(t, task, func() bool { return c.Buffered() > 4000 })
		for c.Buffered() > 0 {
			if _, err := client.Read(task, buf); err != nil {
				t.Fatal(err)
			}
			if low := c.Buffered() <= 1000; low != (rec().String() == "pause resume") {
				t.Fatalf("with %d bytes the protocol was told %q", c.Buffered(), rec())
			}
		}
		if got := rec().String(); got != "pause resume" { // told once each
			t.Errorf("the protocol was told %q", got)
		}
		c.Abort()
		_ = ended(t, task)
		defer func() {
			if text := fmt.Sprint(recover()); !strings.Contains(text, "above the high one") {
				t.Errorf("marks that cross panicked with %q", text)
			}
		}()
		c.SetWriteMarks(2, 1)
	})
}

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

func (f *fragile) PauseWriting(*transport.Conn) { f.hit("PauseWriting") }

func (f *fragile) ResumeWriting(*transport.Conn) { f.hit("ResumeWriting") }

func (f *fragile) Pause() { f.hit("Pause") }

func (f *fragile) Resume() { f.hit("Resume") }

func (f *fragile) Stop() {}

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
