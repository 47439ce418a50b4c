package compat_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/lib/pq"
)

// key is a lock of PostgreSQL's, one for each test.
type key int

func (k key) lock() string   { return fmt.Sprintf("select pg_advisory_lock(%d)", k) }
func (k key) unlock() string { return fmt.Sprintf("select pg_advisory_unlock(%d)", k) }

// locked takes the lock in another session, on a goroutine, and returns what releases it.
func (e *env) locked(k key) (unlock func() error, err error) {
	var c *pgx.Conn
	if err := e.elsewhere(func() (err error) {
		if c, err = pgx.Connect(context.Background(), e.postgresURL()); err != nil {
			return err
		}
		_, err = c.Exec(context.Background(), k.lock())
		return err
	}); err != nil {
		return nil, err
	}
	return func() error {
		return e.elsewhere(func() error {
			_, err := c.Exec(context.Background(), k.unlock())
			return errors.Join(err, c.Close(context.Background()))
		})
	}, nil
}

// pgxOnFace shows why: when a query's context ends another goroutine sets a deadline.
func pgxOnFace(e *env) error {
	unlock, err := e.locked(1)
	if err != nil {
		return err
	}
	cfg, err := pgx.ParseConfig(e.postgresURL())
	if err != nil {
		return err
	}
	s := newStrangers(e)
	var dialed net.Conn
	cfg.DialFunc = func(ctx context.Context, network, address string) (c net.Conn, err error) {
		dialed, err = s.dial(ctx, network, address)
		return dialed, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	asked := false
	var c *pgx.Conn
	th := e.Go(func() (err error) {
		if c, err = pgx.ConnectConfig(context.Background(), cfg); err != nil {
			return err
		}
		asked = true
		_, err = c.Exec(ctx, key(1).lock())
		return err
	})
	for !asked && !th.Dead() {
		e.Sleep(0)
	}
	cancel()
	s.wantRefused()
	_ = dialed.Close() // as no deadline could be set
	if err := th.Join(); err == nil {
		e.Error("the query succeeded")
	}
	if err := e.elsewhere(func() error { <-c.PgConn().CleanupDone(); return nil }); err != nil {
		return err
	}

	cfg.DialFunc = outside(e.Loop())
	ctx, cancel = context.WithCancel(context.Background())
	defer cancel()
	return e.elsewhereWith(func() error {
		c, err := pgx.ConnectConfig(context.Background(), cfg)
		if err != nil {
			return err
		}
		if _, err := c.Exec(context.Background(), key(1).lock()); err != nil {
			return err
		}
		if _, err = c.Exec(ctx, "select pg_sleep(3600)"); !errors.Is(err, context.Canceled) {
			return fmt.Errorf("a query whose context ended: %w", err)
		}
		_ = c.Close(context.Background()) // unless it is closed, as the query had begun
		<-c.PgConn().CleanupDone()
		return nil
	}, func() error {
		defer cancel()
		return unlock()
	})
}

// pgxPoolOnFace shows why: a pool dials on goroutines, and has one that looks after it.
func pgxPoolOnFace(e *env) error {
	unlock, err := e.locked(2)
	if err != nil {
		return err
	}
	cfg, err := pgxpool.ParseConfig(e.postgresURL())
	if err != nil {
		return err
	}
	return e.face(func(dial dialer) error {
		cfg := cfg.Copy()
		cfg.ConnConfig.DialFunc = dial
		p, err := pgxpool.NewWithConfig(context.Background(), cfg)
		if err != nil {
			return err
		}
		defer p.Close()
		_, err = p.Exec(context.Background(), key(2).lock())
		return err
	}, unlock)
}

// pqDialer is what lib/pq wants of those who dial for it.
type pqDialer dialer

func (d pqDialer) Dial(network, address string) (net.Conn, error) {
	return d(context.Background(), network, address)
}

func (d pqDialer) DialTimeout(network, address string, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return d(ctx, network, address)
}

// pqListenerOnFace shows why: it dials and reads on goroutines.
func pqListenerOnFace(e *env) error {
	url, listening := e.postgresURL(), make(chan struct{})
	return e.face(func(dial dialer) error {
		events := make(chan error, 1)
		l := pq.NewDialListener(pqDialer(dial), url, time.Millisecond, time.Millisecond, func(_ pq.ListenerEventType, err error) {
			select {
			case events <- err: // the first one is how it went
			default:
			}
		})
		defer func() {
			_ = l.Close()
			for range l.Notify { // until its goroutines have ended
			}
		}()
		if err := <-events; err != nil {
			return err
		}
		if err := l.Listen("news"); err != nil {
			return err
		}
		close(listening)
		n := <-l.Notify
		if n == nil || n.Extra != "green" {
			e.Errorf("notified of %+v", n)
		}
		return nil
	}, func() error {
		return e.elsewhere(func() error {
			c, err := pgx.Connect(context.Background(), url)
			if err != nil {
				return err
			}
			defer c.Close(context.Background())
			<-listening
			_, err = c.Exec(context.Background(), "notify news, 'green'")
			return err
		})
	})
}

// offloaded tests a database on package net's connections, and shows why: a query with a connection
// that is there holds the loop; and one that waits for a connection waits for the thread that has it, on
// a channel of database/sql's, so that no connection of a hub's could be what it waits for.
func (e *env) offloaded(db *sql.DB) error {
	db.SetMaxOpenConns(1)
	e.starts("database/sql.OpenDB")
	ask := func() error {
		var n int
		err := db.QueryRow("select 6 * 7").Scan(&n)
		if err == nil && n != 42 {
			err = fmt.Errorf("the answer is %d", n)
		}
		return err
	}
	e.holds(ask)
	var first *sql.Conn
	if err := e.elsewhere(func() (err error) {
		first, err = db.Conn(context.Background())
		return err
	}); err != nil {
		return err
	}
	return e.elsewhereWith(ask, func() error {
		for db.Stats().WaitCount == 0 {
			e.Sleep(0)
		}
		return e.elsewhere(first.Close)
	})
}

func sqlPgxOffloaded(e *env) error {
	cfg, err := pgx.ParseConfig(e.postgresURL())
	if err != nil {
		return err
	}
	db := stdlib.OpenDB(*cfg)
	return errors.Join(e.offloaded(db), db.Close())
}

func sqlPqOffloaded(e *env) error {
	c, err := pq.NewConnector(e.postgresURL())
	if err != nil {
		return err
	}
	db := sql.OpenDB(c)
	return errors.Join(e.offloaded(db), db.Close())
}

// sqlMySQLOffloaded shows one reason more: the driver has a goroutine for each connection.
func sqlMySQLOffloaded(e *env) error {
	cfg := mysql.NewConfig()
	cfg.Net, cfg.Addr, cfg.User = "unix", e.mysqlSocket(), "corolla"
	c, err := mysql.NewConnector(cfg)
	if err != nil {
		return err
	}
	db := sql.OpenDB(c)
	err = e.offloaded(db)
	e.starts("github.com/go-sql-driver/mysql.(*mysqlConn).startWatcher")
	return errors.Join(err, db.Close())
}
