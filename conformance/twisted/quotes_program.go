package twisted

import (
	_ "embed"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/conformance/scenario"
	"github.com/corolla-go/corolla/deferred"
	"github.com/corolla-go/corolla/transport"
	"github.com/corolla-go/corolla/transport/framing"
)

// The twin of a program: a server of quotes, in which clients can talk as well, line by line.
// quotes_program.txt is what the clients of both say, and when.

const quoteLimit, idleLimit, newsInterval = 20 * ms, 40 * ms, 35 * ms

var quoted = map[string]struct {
	takes time.Duration
	text  string
}{
	"zen":  {5 * ms, "simple is better than complex"},
	"bird": {8 * ms, "the early one catches the worm"},
	"rain": {11 * ms, "into each life some must fall"},
	"slow": {30 * ms, "good things come to those who wait"},
}

// quotes are the quotes, and those who are present.
type quotes struct {
	r       *scenario.Run
	loop    *corolla.Loop
	places  *deferred.Semaphore
	present []*quoteServer
	count   int
}

func (q *quotes) find(name string) *text {
	q.r.Say("looks for %s", name)
	found, ok := quoted[name]
	if !ok {
		return deferred.Fail[string](q.loop, errors.New("no quote "+name))
	}
	return deferred.Later(q.loop, found.takes, func() (string, error) { return found.text, nil })
}

func (q *quotes) quote(name string) *text {
	return deferred.Run(q.places, func() *text { return q.find(name) }).AddTimeout(quoteLimit)
}

func (q *quotes) tell(line string, besides *quoteServer) {
	for _, s := range q.present {
		if s != besides {
			s.answer(line)
		}
	}
}

func (q *quotes) names() string {
	names := make([]string, len(q.present))
	for i, s := range q.present {
		names[i] = s.name
	}
	return strings.Join(names, " ")
}

func (q *quotes) news(int) error {
	q.count++
	q.r.Say("news %d: %s", q.count, q.names())
	q.tell(fmt.Sprintf("news %d: %d present", q.count, len(q.present)), nil)
	return nil
}

// quoteServer is the server's side of a connection.
type quoteServer struct {
	*quotes
	conn  *transport.Receiver
	name  string
	idle  *corolla.Timer
	asked []*text
}

func (s *quoteServer) answer(line string) { _ = s.conn.Write([]byte(line + "\r\n")) }

func (s *quoteServer) Opened(r *transport.Receiver) {
	s.conn = r
	s.idle = s.loop.After(idleLimit, func() {
		s.answer("too quiet")
		r.Close()
	})
}

func (s *quoteServer) Message(r *transport.Receiver, line []byte) {
	s.idle.Reset(idleLimit)
	s.r.Say("%s: %s", map[bool]string{true: "somebody", false: s.name}[s.name == ""], line)
	command, rest, _ := strings.Cut(string(line), " ")
	switch command {
	case "hello":
		s.name = rest
		s.tell(s.name+" comes", nil)
		s.present = append(s.present, s)
	case "quote":
		s.ask(rest, s.quote(rest))
	case "many":
		var each []*text
		for name := range strings.FieldsSeq(rest) {
			each = append(each, s.quote(name))
		}
		found := deferred.Gather(s.loop, each, deferred.ConsumeErrors)
		s.ask("all", deferred.Then(found, func(texts []string) (string, error) { return strings.Join(texts, "; "), nil }))
	case "say":
		s.tell(s.name+" says "+rest, s)
	case "quit":
		s.answer("goodbye")
		r.Close()
	default:
		s.answer("cannot " + command)
	}
}

func (s *quoteServer) ask(what string, found *text) {
	s.asked = append(s.asked, found)
	found.AddBoth(func(v string, err error) (string, error) {
		s.asked = without(s.asked, found)
		return v, err
	})
	found.AddCallbacks(func(text string) (string, error) {
		s.answer(what + ": " + text)
		return "", nil
	}, func(err error) (string, error) {
		var first *deferred.FirstError
		if errors.As(err, &first) {
			err = first.Err
		}
		s.r.Say("%s, %s: %s", s.name, what, word(err))
		s.answer(what + ": " + word(err))
		return "", nil
	})
}

func (s *quoteServer) Closed(*transport.Receiver, error) {
	s.idle.Stop()
	s.r.Say("%s leaves, waiting for %d", s.name, len(s.asked))
	s.present = without(s.present, s)
	for len(s.asked) > 0 {
		s.asked[0].Cancel(nil)
	}
	s.tell(s.name+" leaves", nil)
}

func without[T comparable](all []T, one T) (rest []T) {
	for _, v := range all {
		if v != one {
			rest = append(rest, v)
		}
	}
	return rest
}

// quoteClient remembers what it hears, and when.
type quoteClient struct {
	loop  *corolla.Loop
	began time.Duration
	name  string
	conn  *transport.Receiver
	heard []string
	over  corolla.Event
}

func (c *quoteClient) hears(format string, args ...any) {
	at := (c.loop.Now() - c.began).Milliseconds()
	c.heard = append(c.heard, c.name+fmt.Sprintf(format, append([]any{at}, args...)...))
}

func (c *quoteClient) Opened(r *transport.Receiver) { c.conn = r }

func (c *quoteClient) Message(_ *transport.Receiver, line []byte) {
	c.hears(" heard at %d ms: %s", line)
}

func (c *quoteClient) Closed(*transport.Receiver, error) {
	c.hears(" is alone at %d ms")
	c.over.Set()
}

func crlf() framing.Decoder { return &framing.Lines{Delimiter: "\r\n"} }

func (c *quoteClient) play(address string, script [][2]string) func(t *corolla.Task) (string, error) {
	return func(t *corolla.Task) (string, error) {
		for i, said := range script {
			at, _ := strconv.Atoi(said[0])
			_ = t.Sleep(c.began + time.Duration(at)*ms - c.loop.Now())
			if i == 0 {
				dialed := transport.Dial(c.loop, "unix", address, transport.NewReceiver(crlf(), c))
				if _, err := dialed.Await(t); err != nil {
					return "", err
				}
			}
			if said[1] == "hang up" {
				c.conn.Close()
			} else {
				_ = c.conn.Write([]byte(said[1] + "\r\n"))
			}
		}
		return c.name, c.over.Wait(t)
	}
}

//go:embed quotes_program.txt
var quotesScript string

// quoteScripts are what each client says, and at how many milliseconds.
func quoteScripts() (names []string, byClient map[string][][2]string) {
	byClient = map[string][][2]string{}
	for l := range strings.Lines(quotesScript) {
		f := strings.SplitN(strings.TrimSpace(l), " ", 3)
		if byClient[f[0]] == nil {
			names = append(names, f[0])
		}
		byClient[f[0]] = append(byClient[f[0]], [2]string{f[1], f[2]})
	}
	return names, byClient
}

func quotesProgram(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		l := t.Loop()
		q := &quotes{r: r, loop: l, places: deferred.NewSemaphore(l, 2)}
		s, err := transport.Serve(l, "unix", newAddress(), func(*transport.Conn) transport.Protocol {
			return transport.NewReceiver(crlf(), &quoteServer{quotes: q})
		})
		if err != nil {
			return err
		}
		news := deferred.NewLoopingCall(l, q.news)
		news.Start(newsInterval, deferred.NotNow).AddCallback(func(v struct{}) (struct{}, error) {
			r.Say("no more news")
			return v, nil
		})
		var clients []*quoteClient
		var plays []*text
		names, byClient := quoteScripts()
		for _, name := range names {
			c := &quoteClient{loop: l, began: l.Now(), name: name}
			clients = append(clients, c)
			plays = append(plays, deferred.Go(l, c.play(s.Addr().String(), byClient[name])))
		}
		if _, err := deferred.Gather(l, plays).Await(t); err != nil {
			return err
		}
		for _, c := range clients {
			for _, line := range c.heard {
				r.Say("%s", line)
			}
		}
		news.Stop()
		_ = s.Close()
		r.Say("free places: %d", q.places.Stats().Free)
		return nil
	})
}
