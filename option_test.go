package corolla_test

import (
	"log"
	"os"
	"strings"
	"testing"

	"github.com/corolla-go/corolla"
)

func TestDefaultHandlerPrintsTheStackOfAPanic(t *testing.T) {
	var text strings.Builder
	log.SetOutput(&text)
	defer log.SetOutput(os.Stderr)
	onHosts(t, func(t *testing.T, newLoop func(...corolla.Option) *corolla.Loop) {
		for name, panics := range map[string]func(l *corolla.Loop){
			"callback": func(l *corolla.Loop) { l.Soon(func() { panicHere() }) },
			"task":     func(l *corolla.Loop) { l.Go(func(*corolla.Task) error { panicHere(); return nil }) },
		} {
			text.Reset()
			l := newLoop(corolla.SlowLimit(0))
			panics(l)
			l.Stop()
			if err := l.RunForever(); err != nil {
				t.Fatal(err)
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			if got := text.String(); !strings.Contains(got, "oops") || !strings.Contains(got, "panicHere") {
				t.Errorf("%s: printed %q", name, got)
			}
		}
	})
}

//go:noinline
func panicHere() { panic("oops") }
