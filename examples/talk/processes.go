//go:build unix

package talk

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// processes has a second process, which is this program again, send what it reads from its
// standard input.
func processes(j *Job) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s %d", workerEnv, j.Addr, j.begin.UnixNano()))
	cmd.Stdin = &fed{j, bytes.NewReader(j.Data)}
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	if err := cmd.Start(); err != nil {
		return err
	}
	j.OnAbandon(func() { _ = cmd.Process.Kill() }) // or it has ended
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		select {
		case err := <-ended:
			if err != nil {
				return fmt.Errorf("worker: %s", cmp.Or(strings.TrimSpace(stderr.String()), err.Error()))
			}
			return j.merge(out.Bytes())
		default:
			j.Slice()
		}
	}
}

// fed is read by the worker.
type fed struct {
	j    *Job
	data io.Reader
}

func (f *fed) Read(b []byte) (int, error) {
	f.j.Alive()
	return f.data.Read(b)
}

// workerEnv tells the program that it is the worker: the address, and when it all began.
const workerEnv = "COROLLA_TALK_WORKER"

// report is what the worker writes when it is done.
type report struct {
	Moves []Move        `json:"moves"`
	Idle  time.Duration `json:"idle"`
}

// Worker does the worker's part, if this process is one, and ends it. A program that
// runs the rows calls it first.
func Worker() {
	env := os.Getenv(workerEnv)
	if env == "" {
		return
	}
	if err := work(env); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func work(env string) error {
	var addr string
	var begin int64
	if _, err := fmt.Sscan(env, &addr, &begin); err != nil {
		return fmt.Errorf("%s=%q: %w", workerEnv, env, err)
	}
	fd, err := dial(addr)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	r := NewRecord(time.Unix(0, begin))
	stop := r.Observe(fd)
	err = relay(r, fd, os.Stdin)
	stop()
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(report{r.moves, r.idle})
}

// relay sends what it reads, a block at a time.
func relay(r *Record, fd int, from io.Reader) error {
	buf := make([]byte, block)
	for sent := 0; ; {
		n, err := io.ReadFull(from, buf)
		for b := buf[:n]; len(b) > 0; r.Moved(sent) {
			n, err := unix.Write(fd, b)
			if err != nil {
				return fmt.Errorf("write: %w", err)
			}
			b = b[n:]
			sent += n
		}
		switch err {
		case nil:
		case io.EOF, io.ErrUnexpectedEOF:
			return nil
		default:
			return fmt.Errorf("read: %w", err)
		}
	}
}

// merge takes over what the worker has recorded.
func (r *Record) merge(text []byte) error {
	var w report
	if err := json.Unmarshal(text, &w); err != nil {
		return fmt.Errorf("the worker's report: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.moves, r.idle = w.Moves, w.Idle
	for _, m := range w.Moves {
		r.total += m.Bytes
	}
	return nil
}
