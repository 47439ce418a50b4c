package asyncio

import (
	_ "embed"
	"strconv"
	"strings"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/conformance/scenario"
)

// The twin of a program: a server takes jobs from its clients, line by line, and two workers do them.
// jobs_program.txt is what the clients of both say.

const limit, idle = 50 * ms, 100 * ms

type job struct {
	name     string
	takes    time.Duration
	conn     *aio.Conn
	task     *corolla.Future[struct{}]
	canceled bool
}

func (j *job) cancel() {
	j.canceled = true
	if j.task != nil {
		j.task.Cancel(nil)
	}
}

type jobServer struct {
	r     *scenario.Run
	queue *corolla.Queue[*job]
}

func (s *jobServer) worker(name string) func(t *corolla.Task) error {
	return func(t *corolla.Task) error {
		for {
			j, err := s.queue.Get(t)
			if err != nil {
				return err
			}
			answer := "canceled"
			if !j.canceled {
				s.r.Say("%s begins %s", name, j.name)
				answer = s.work(t, j)
			}
			if t.Err() != nil {
				return t.Err()
			}
			s.r.Say("%s: %s is %s", name, j.name, answer)
			write(t, j.conn, j.name+" is "+answer+"\n")
			s.queue.TaskDone()
		}
	}
}

func (s *jobServer) work(t *corolla.Task, j *job) string {
	j.task = t.Loop().Go(func(t *corolla.Task) error { return t.Sleep(j.takes) })
	_, err := j.task.AwaitTimeout(t, limit)
	if err == nil {
		return "done"
	}
	if word(err) == "timeout" {
		return "late"
	}
	return "canceled"
}

func (s *jobServer) handle(t *corolla.Task, c *aio.Conn) error {
	name, _ := line(t, c)
	s.r.Say("%s comes", name)
	jobs := map[string]*job{}
	var order []*job
	for leaves := false; !leaves; {
		var said string
		err := t.Timeout(idle, func(*corolla.Scope) (err error) {
			said, err = line(t, c)
			return err
		})
		if err != nil {
			write(t, c, "too quiet\n")
			break
		}
		words := strings.Fields(said)
		switch {
		case len(words) == 3 && words[0] == "run":
			takes, _ := strconv.Atoi(words[2])
			j := &job{name: words[1], takes: time.Duration(takes) * ms, conn: c}
			jobs[j.name], order = j, append(order, j)
			_ = s.queue.Put(t, j)
		case len(words) == 2 && words[0] == "cancel" && jobs[words[1]] != nil:
			jobs[words[1]].cancel()
		case len(words) == 0 || said == "quit":
			leaves = true
		default:
			write(t, c, "cannot "+said+"\n")
		}
	}
	for _, j := range order {
		j.cancel()
	}
	s.r.Say("%s leaves", name)
	return nil
}

func (s *jobServer) client(address, name string, script []saying) func(t *corolla.Task) error {
	return func(t *corolla.Task) error {
		c, err := aio.Dial(t, "unix", address)
		if err != nil {
			return err
		}
		defer c.Close()
		write(t, c, name+"\n")
		listening := t.Loop().Go(func(t *corolla.Task) error {
			for b, err := range c.Lines(t) {
				if err != nil {
					return err
				}
				s.r.Say("%s hears %s", name, b)
			}
			s.r.Say("%s is alone", name)
			return nil
		})
		for _, next := range script {
			_ = t.Sleep(next.pause)
			if next.text == "hang up" {
				_ = c.CloseWrite()
			} else {
				write(t, c, next.text+"\n")
			}
		}
		_, err = listening.Await(t)
		return err
	}
}

//go:embed jobs_program.txt
var jobsScript string

// scripts are what each client says, and after how much time, in the order of the clients.
func scripts() (names []string, byClient map[string][]saying) {
	byClient = map[string][]saying{}
	for l := range strings.Lines(jobsScript) {
		fields := strings.SplitN(strings.TrimSpace(l), " ", 3)
		name, pause := fields[0], fields[1]
		if byClient[name] == nil {
			names = append(names, name)
		}
		d, _ := strconv.Atoi(pause)
		byClient[name] = append(byClient[name], saying{time.Duration(d) * ms, fields[2]})
	}
	return names, byClient
}

func jobsProgram(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		s := &jobServer{r, corolla.NewQueue[*job](3)}
		err := t.Group(func(workers *corolla.Group) error {
			workers.Go(s.worker("worker 1"))
			workers.Go(s.worker("worker 2"))
			listener, err := aio.Listen(t.Loop(), "unix", newAddress())
			if err != nil {
				return err
			}
			serving := t.Loop().Go(aio.NewServer(listener, s.handle).Serve)
			err = t.Group(func(clients *corolla.Group) error {
				names, byClient := scripts()
				for _, name := range names {
					clients.Go(s.client(listener.Addr().String(), name, byClient[name]))
				}
				return nil
			})
			if err != nil {
				return err
			}
			serving.Cancel(nil)
			if err := t.Timeout(1000*ms, func(*corolla.Scope) error { return s.queue.Join(t) }); err != nil {
				return err
			}
			r.Say("all is done")
			workers.Cancel(nil)
			return nil
		})
		r.Say("end")
		return err
	})
}
