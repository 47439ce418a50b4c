package compat_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/gomodule/redigo/redis"
	goredis "github.com/redis/go-redis/v9"

	"github.com/corolla-go/corolla/green"
)

// go-redis says on standard error what it says with errors too.
func init() { goredis.SetLogger(silent{}) }

type silent struct{}

func (silent) Printf(context.Context, string, ...any) {}

// redigo dials with a hub's own function.
func (e *env) redigo() (redis.Conn, error) {
	return redis.Dial("unix", e.redisSocket(), redis.DialNetDial(e.DialNet))
}

// push lets whoever waits for a value of a list have one. Each test has a list of its own.
func (e *env) push(list, value string) error {
	c, err := redis.DialContext(context.Background(), "unix", e.redisSocket(), redis.DialContextFunc(e.DialContext))
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = c.Do("RPUSH", list, value)
	return err
}

// popped is what BLPOP answers.
func popped(answer any, err error) (string, error) {
	words, err := redis.Strings(answer, err)
	return strings.Join(words, " "), err
}

func (e *env) wantPopped(want string, answer any, err error) {
	e.Helper()
	if got, err := popped(answer, err); got != want || err != nil {
		e.Errorf("popped %q, %v; want %q", got, err, want)
	}
}

func redigoOnGreen(e *env) error {
	c, err := e.redigo()
	if err != nil {
		return err
	}
	defer c.Close()
	e.behind(func() error { return e.push("do", "1") })
	answer, err := c.Do("BLPOP", "do", 0) // nothing is in the list before this thread waits
	e.wantPopped("do 1", answer, err)

	if err := errors.Join(c.Send("BLPOP", "send", 0), c.Send("ECHO", "after it"), c.Flush()); err != nil {
		return err
	}
	e.behind(func() error { return e.push("send", "2") })
	answer, err = c.Receive()
	e.wantPopped("send 2", answer, err)
	if s, err := redis.String(c.Receive()); s != "after it" || err != nil {
		e.Errorf("Receive = %q, %v", s, err)
	}
	return nil
}

func redigoPubSubOnGreen(e *env) error {
	c, err := e.redigo()
	if err != nil {
		return err
	}
	p := redis.PubSubConn{Conn: c}
	defer p.Close()
	if err := p.Subscribe("news"); err != nil {
		return err
	}
	if s, ok := p.Receive().(redis.Subscription); !ok || s.Channel != "news" {
		e.Errorf("Receive = %+v, want the subscription", s)
	}
	e.behind(func() error {
		c, err := e.redigo()
		if err != nil {
			return err
		}
		defer c.Close()
		_, err = c.Do("PUBLISH", "news", "green")
		return err
	})
	if m, ok := p.Receive().(redis.Message); !ok || string(m.Data) != "green" {
		e.Errorf("Receive = %+v, want the message", m)
	}
	return nil
}

// redigoPoolOnGreen has two threads that use a pool at the same time, and a third that finds it
// exhausted. One that is to wait instead has green.Resources.
func redigoPoolOnGreen(e *env) error {
	p := &redis.Pool{Dial: e.redigo, MaxActive: 2, MaxIdle: 2}
	defer p.Close()
	pop := e.Go(func() error {
		c := p.Get()
		defer c.Close()
		answer, err := c.Do("BLPOP", "pool", 0)
		e.wantPopped("pool 3", answer, err)
		return nil
	})
	push := e.Go(func() error {
		c := p.Get()
		defer c.Close()
		for p.ActiveCount() < 2 {
			e.Sleep(0)
		}
		if _, err := p.Get().Do("PING"); err != redis.ErrPoolExhausted {
			e.Errorf("a third connection: %v, want ErrPoolExhausted", err)
		}
		_, err := c.Do("RPUSH", "pool", 3)
		return err
	})
	if err := errors.Join(pop.Join(), push.Join()); err != nil {
		return err
	}

	r := green.NewResources(e.Hub, 1, e.redigo)
	use := func() error {
		return r.Use(func(c redis.Conn) error { _, err := c.Do("PING"); return err })
	}
	a, b := e.Go(use), e.Go(use)
	err := errors.Join(a.Join(), b.Join())
	c, e2 := r.Get()
	if e2 != nil {
		return errors.Join(err, e2)
	}
	return errors.Join(err, c.Close())
}

// redigoContextOnFace shows why: these two call from a goroutine that they start.
func redigoContextOnFace(e *env) error {
	path := e.redisSocket()
	for name, pop := range map[string]func(ctx context.Context, c redis.Conn, list string) (any, error){
		"DoContext": func(ctx context.Context, c redis.Conn, list string) (any, error) {
			return redis.DoContext(c, ctx, "BLPOP", list, 0)
		},
		"ReceiveContext": func(ctx context.Context, c redis.Conn, list string) (any, error) {
			if err := c.Send("BLPOP", list, 0); err != nil {
				return nil, err
			}
			if err := c.Flush(); err != nil {
				return nil, err
			}
			return redis.ReceiveContext(c, ctx)
		},
	} {
		times := 0
		err := e.face(func(dial dialer) error {
			times++
			list := fmt.Sprint(name, times) // what was refused may have been sent, and wait for a value too
			ctx := context.Background()
			c, err := redis.DialContext(ctx, "unix", path, redis.DialContextFunc(dial))
			if err != nil {
				return err
			}
			defer c.Close()
			answer, err := pop(ctx, c, list)
			if err != nil {
				return err
			}
			e.wantPopped(list+" 4", answer, nil)
			return nil
		}, func() error { return e.push(name+"2", "4") })
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// goRedisOnFace shows why: the pool dials on a goroutine of its own.
func goRedisOnFace(e *env) error {
	path := e.redisSocket()
	return e.face(func(dial dialer) error {
		c := goredis.NewClient(&goredis.Options{
			Network: "unix", Addr: path, Dialer: dial, MaxRetries: -1, DialerRetries: 1,
		})
		defer c.Close()
		words, err := c.BLPop(context.Background(), 0, "go-redis").Result()
		if err != nil {
			return err
		}
		e.wantPopped("go-redis 5", []any{words[0], words[1]}, nil)
		return nil
	}, func() error { return e.push("go-redis", "5") })
}

// redigoPoolOffloaded shows why: a thread that waits for room in the pool waits on a channel, so the
// thread that could make room does not run.
func redigoPoolOffloaded(e *env) error {
	path := e.redisSocket()
	p := &redis.Pool{
		Dial: func() (redis.Conn, error) {
			return redis.Dial("unix", path, redis.DialNetDial(net.Dial))
		},
		MaxActive: 1, Wait: true,
	}
	defer p.Close()
	first := p.Get()
	e.holds(func() error {
		ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
		defer cancel()
		if _, err := p.GetContext(ctx); !errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("GetContext: %w; want a timeout", err)
		}
		return nil
	})
	return e.elsewhereWith(func() error {
		c, err := p.GetContext(context.Background())
		if err != nil {
			return err
		}
		defer c.Close()
		_, err = c.Do("PING")
		return err
	}, first.Close)
}
