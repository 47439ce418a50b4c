package main

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/examples/finger/fingertest"
	"github.com/corolla-go/corolla/service"
	"github.com/corolla-go/corolla/sim"
	"github.com/corolla-go/corolla/web"
)

const anywhere = "tcp:0:interface=127.0.0.1"

// With this in its environment the test is the service itself, which says where its ports are.
const program = "FINGER_TEST"

func TestMain(m *testing.M) {
	if os.Getenv(program) == "" {
		os.Exit(m.Run())
	}
	corolla.Main(func(t *corolla.Task) error {
		s := newSite("", anywhere, anywhere, "127.0.0.1:0")
		t.Loop().Go(func(t *corolla.Task) error {
			for !s.page.Running() {
				if err := t.Yield(); err != nil {
					return err
				}
			}
			_, err := os.Stdout.WriteString(s.names.Addr().String() + "\n")
			return err
		})
		return s.tree().Run(t)
	})
}

// The file, the news and both ways to ask.
func TestSite(t *testing.T) {
	fingertest.OnBoth(t, func(t *testing.T, task *corolla.Task) error {
		file := filepath.Join(t.TempDir(), "users")
		if err := os.WriteFile(file, []byte("ada: counting\nalan: out\n"), 0o600); err != nil {
			return err
		}
		s := newSite(file, anywhere, anywhere, "127.0.0.1:0")
		return fingertest.Served(task, s.tree(), func() error {
			for len(s.status) == 0 {
				if err := task.Yield(); err != nil {
					return err
				}
			}
			if err := passes(task, s.news.Addr().String(), "ada at <home>", "\n\neve new", "\n"); err != nil {
				return err
			}
			tr := &web.Transport{Loop: task.Loop()}
			defer tr.CloseIdleConnections()
			answer, err := (&http.Client{Transport: tr}).Get("http://" + s.page.ln.Addr().String())
			if err != nil {
				return err
			}
			defer answer.Body.Close()
			if text, err := io.ReadAll(answer.Body); !strings.Contains(string(text), "<dt>ada</dt><dd>at &lt;home&gt;</dd>") || err != nil {
				t.Errorf("the page is %q, %v", text, err)
			}
			return fingertest.Wants(t, task, s.names.Addr().String(), map[string]string{"ada\r\n": "at <home>\r\n", "alan\n": "out\r\n", "eve\r\n": "new\r\n"})
		})
	})
}

// passes has the client pass on what is said, to its end.
func passes(task *corolla.Task, address string, said ...string) error {
	r, w, err := task.Loop().Pipe()
	if err != nil {
		return err
	}
	in, out := aio.NewConn(r), aio.NewConn(w)
	defer in.Close()
	passed := task.Loop().Go(func(t *corolla.Task) error { return pass(t, in, address) })
	for _, s := range said {
		if _, err := out.Write(task, []byte(s)); err != nil {
			return err
		}
	}
	if err := out.Close(); err != nil {
		return err
	}
	_, err = passed.Await(task)
	return err
}

// News that come while the service is away are passed on when it is back.
func TestNewsWaitForTheService(t *testing.T) {
	w := sim.New(1)
	l := w.NewLoop(corolla.ErrorHandler(func(err error) {
		if again := (*service.ClientError)(nil); !errors.As(err, &again) {
			t.Errorf("reported: %v", err)
		}
	}))
	defer l.Close()
	if err := l.Run(func(task *corolla.Task) error {
		s := newSite("", anywhere, anywhere, "127.0.0.1:0")
		var address string
		if err := fingertest.Served(task, s.tree(), func() error {
			address = s.news.Addr().String()
			return passes(task, address, "ada one\n")
		}); err != nil {
			return err
		}
		news := task.Loop().Go(func(t *corolla.Task) error { return passes(t, address, "ada two\n", "eve three\n") })
		if err := task.Sleep(time.Hour); err != nil {
			return err
		}
		port := address[strings.LastIndexByte(address, ':')+1:]
		s = newSite("", anywhere, "tcp:"+port+":interface=127.0.0.1", "127.0.0.1:0")
		return fingertest.Served(task, s.tree(), func() error {
			_, err := news.Await(task)
			return errors.Join(err, fingertest.Wants(t, task, s.names.Addr().String(), map[string]string{"ada\n": "two\r\n", "eve\n": "three\r\n"}))
		})
	}); err != nil {
		t.Error(err)
	}
}

// SIGTERM ends the service in order, with status 0, also while somebody is connected.
func TestItEndsInOrder(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), program+"=1")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err := errors.Join(err, cmd.Start()); err != nil {
		t.Fatal(err)
	}
	out := bufio.NewReader(stdout)
	address, err := out.ReadString('\n')
	if err != nil {
		_ = cmd.Wait() // it has said why
		if strings.Contains(stderr.String(), errors.ErrUnsupported.Error()) {
			t.Skip(&stderr)
		}
		t.Fatal(err, &stderr)
	}
	address = strings.TrimSpace(address)
	idle, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	asks, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer asks.Close()
	if _, err := asks.Write([]byte("ada\r\n")); err != nil {
		t.Error(err)
	}
	if got, err := io.ReadAll(asks); string(got) != "no such user\r\n" || err != nil {
		t.Errorf("the answer is %q, %v", got, err)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	if got, err := io.ReadAll(idle); len(got) != 0 || err != nil {
		t.Errorf("who waits hears %q, %v", got, err)
	}
	if _, err := io.Copy(io.Discard, out); err != nil {
		t.Error(err)
	}
	if err := cmd.Wait(); err != nil || stderr.Len() > 0 {
		t.Errorf("it ends with %v; %s", err, &stderr)
	}
}
