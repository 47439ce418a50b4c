package program

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/web/websocket"
)

// onChat starts the chat as a process, and runs a test in a task.
func onChat(t *testing.T, test func(c *chatTest, s *siteProcess), args ...string) (log string) {
	t.Helper()
	l, err := corolla.New(corolla.SlowLimit(0))
	leaktest.NeedLoop(t, err)
	s := startSite(t, append([]string{"chat"}, args...)...)
	err = corolla.RunOnce(l, nil, func(task *corolla.Task) error {
		test(&chatTest{T: t, task: task, addr: s.addr}, s)
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	return s.stop(syscall.SIGTERM)
}

// sentAway waits for the end of a connection, and returns the code of its close.
func (g *guest) sentAway() websocket.Code {
	g.Helper()
	for {
		_, _, err := g.conn.Read(g.task)
		var closed *websocket.CloseError
		if errors.As(err, &closed) {
			return closed.Code
		}
		if err != nil {
			return 0
		}
	}
}

func (s *siteProcess) numbers() (n struct {
	where
	Shards int
	chatCounts
},
) {
	s.t.Helper()
	_, text := s.ask("GET", "/stats")
	if err := json.Unmarshal([]byte(text), &n); err != nil {
		s.t.Fatalf("%v: %s", err, text)
	}
	return n
}

// The numbers are those of all shards, over which members are spread.
func TestServeChatOnShards(t *testing.T) {
	onChat(t, func(c *chatTest, s *siteProcess) {
		ann := c.enter("lobby", "ann", "ann")
		bob := c.enter("lobby", "bob", "bob", "ann")
		eve := c.enter("lobby", "eve", "eve", "ann", "bob")
		ann.expect("joined", "bob", "", 2)
		ann.expect("joined", "eve", "", 3)
		bob.expect("joined", "eve", "", 3)
		if ann.hello.On.Shard == bob.hello.On.Shard && bob.hello.On.Shard == eve.hello.On.Shard {
			t.Errorf("all are on shard %d", ann.hello.On.Shard)
		}
		ann.say("hello")
		for _, g := range []*guest{ann, bob, eve} {
			g.expect("said", "ann", "hello", 0)
		}
		if n := s.numbers(); n.Shards != 3 || n.Members != 3 || n.Rooms["lobby"] != 3 || n.Messages != 1 || n.Version != Version {
			t.Errorf("the numbers: %+v", n)
		}
		if err := s.cmd.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		for _, g := range []*guest{ann, bob, eve} {
			if code := g.sentAway(); code != websocket.CodeGoingAway {
				t.Errorf("sent away with %d", code)
			}
		}
	}, "--shards", "3")
}

// A reload sends members away, who come back to another process; one that is killed is replaced.
func TestServeChatInAWorker(t *testing.T) {
	log := onChat(t, func(c *chatTest, s *siteProcess) {
		ann := c.enter("lobby", "ann", "ann")
		if on := ann.hello.On; on.Worker != 1 || on.Generation != 0 {
			t.Errorf("ann is on %+v", on)
		}
		ann.say("before")
		last := ann.expect("said", "ann", "before", 0).Seq
		if err := s.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		if code := ann.sentAway(); code != websocket.CodeServiceRestart {
			t.Errorf("sent away with %d", code)
		}
		again := c.dial("lobby", "ann", "k1", last)
		if on := again.hello.On; on.Generation != 1 || again.hello.Missed != 0 {
			t.Errorf("ann is greeted with %+v, on %+v", again.hello, on)
		}
		again.expect("joined", "ann", "", 1)
		again.say("after")
		if e := again.expect("said", "ann", "after", 0); e.Seq <= last {
			t.Errorf("the place of what is said to another process is %d, after %d", e.Seq, last)
		}
		for _, pid := range children(t, s.cmd.Process.Pid) {
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
				t.Error(err)
			}
		}
		if code := again.sentAway(); code != 0 {
			t.Errorf("the killed worker has said goodbye with %d", code)
		}
		third := c.dial("lobby", "ann", "k1", last)
		third.expect("joined", "ann", "", 1)
	}, "--workers", "1", "--shards", "2")
	if !strings.Contains(log, "status=\"signal: killed\"") {
		t.Errorf("logged\n%s", log)
	}
}

// children returns the processes that a process has started, but for those that are to end.
func children(t *testing.T, of int) (all []int) {
	t.Helper()
	for end := time.Now().Add(time.Minute); len(all) != 1; {
		all = nil
		stats, err := filepath.Glob("/proc/[0-9]*/stat")
		if err != nil || time.Now().After(end) {
			t.Fatalf("there are %d workers, %v", len(all), err)
		}
		for _, name := range stats {
			text, _ := os.ReadFile(name) // it may be gone
			_, after, _ := strings.Cut(string(text), ") ")
			var state string
			var parent int
			if _, err := fmt.Sscan(after, &state, &parent); err == nil && parent == of && state != "Z" {
				pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(name)))
				all = append(all, pid)
			}
		}
	}
	return all
}
