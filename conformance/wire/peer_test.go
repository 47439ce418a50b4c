package wire_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// processLimit ends a process of a framework that hangs.
const processLimit = 60 * time.Second

// peer is a process in which a framework has its side of conversations, one after the other.
type peer struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	lines  chan string // what it says, and then closed
	stderr bytes.Buffer
}

// newPeer starts a framework, with a folder of certificates. Each line that it is told is a case that it is to
// serve, or a case and the port to connect to.
func newPeer(t *testing.T, framework, folder string) *peer {
	ctx, cancel := context.WithTimeout(context.Background(), processLimit) // t.Context ends before the cleanup
	p := &peer{lines: make(chan string, 16)}
	p.cmd = exec.CommandContext(ctx, *python, "on_"+framework+".py", folder)
	p.cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1")
	p.cmd.Stderr = &p.stderr
	out, err := p.cmd.StdoutPipe()
	if err == nil {
		p.in, err = p.cmd.StdinPipe()
	}
	if err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		defer close(p.lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			p.lines <- s.Text()
		}
	}()
	t.Cleanup(func() {
		if t.Failed() {
			cancel() // it may wait for what does not come
		}
		p.in.Close()
		<-read
		err := p.cmd.Wait()
		cancel()
		if err != nil || t.Failed() {
			t.Errorf("%s: %v\n%s", strings.Join(p.cmd.Args, " "), err, &p.stderr)
		}
	})
	return p
}

// next returns the rest of the next line, which must begin with a word.
func (p *peer) next(word string) (string, error) {
	line, ok := <-p.lines
	text, found := strings.CutPrefix(line, word)
	if !ok {
		return "", fmt.Errorf("it ended, or was killed after %v, before it said %q", processLimit, word)
	} else if !found {
		return "", fmt.Errorf("it said %q instead of %q", line, word)
	}
	return strings.TrimSpace(text), nil
}

func (p *peer) say(line string) error {
	_, err := io.WriteString(p.in, line+"\n")
	return err
}
