//go:build unix

package talk

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// processes sends in a second process, which is this program again.
func processes(j *Job) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s %d %d", workerEnv, j.Addr, len(j.Data), j.begin.UnixNano()))
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		select {
		case err := <-ended:
			if err != nil {
				return fmt.Errorf("worker: %s", strings.TrimSpace(stderr.String()))
			}
			return j.merge(out.Bytes())
		default:
			j.Slice()
		}
	}
}

// workerEnv tells the program that it is the worker: address, bytes, and when it began.
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
	var size int
	var begin int64
	if _, err := fmt.Sscan(env, &addr, &size, &begin); err != nil {
		return fmt.Errorf("%s=%q: %w", workerEnv, env, err)
	}
	j := &Job{Addr: addr, Data: Data(size), Record: NewRecord(time.Unix(0, begin))}
	fd, err := dial(j.Addr)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	stop := j.Observe(fd)
	err = sendBlocking(j, fd)
	stop()
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(report{j.moves, j.idle})
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
