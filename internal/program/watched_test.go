package program

import (
	"io"
	"os"
	"strings"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/process"
)

func TestProgressIsShownOnATerminal(t *testing.T) {
	l, err := corolla.New()
	leaktest.NeedLoop(t, err)
	defer l.Close()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var screen []byte
	err = l.Run(func(t *corolla.Task) (err error) {
		screen, _, err = process.Run(t, process.Command{
			Path: self, Args: strings.Fields("talk --mib 1 --only select,spin"),
			Env: append(os.Environ(), commandEnv+"=1"), Terminal: true,
		}, nil)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	progress, rest, _ := strings.Cut(string(screen), " row ")
	if !strings.Contains(progress, "\r\x1b[K1/2 select: ") || !strings.Contains(progress, "\r\x1b[K2/2 spin: ") ||
		!strings.HasSuffix(strings.TrimRight(progress, " "), "\r\x1b[K") || strings.Contains(rest, "\x1b") {
		t.Errorf("on the screen: %q", screen)
	}
}

func TestNobodyWatchesWhatIsThrownAway(t *testing.T) {
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	for name, to := range map[string]io.Writer{"null device": null, "pipe": w, "buffer": new(strings.Builder)} {
		if watched(to) {
			t.Errorf("somebody watches the %s", name)
		}
	}
}
