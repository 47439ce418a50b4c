package compat_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// servers are programs of others, each started when it is first wanted, and ended with the test.
// They listen at Unix sockets in directories of their own: a port that was free when it was looked for
// may be taken by then.
type servers struct{ redis, postgres, mysql func() *daemon }

func newServers(t *testing.T) *servers {
	once := func(start func(*testing.T) *daemon) func() *daemon {
		return sync.OnceValue(func() *daemon { return start(t) })
	}
	return &servers{once(startRedis), once(startPostgres), once(startMySQL)}
}

func needsRedis(s *servers) *daemon    { return s.redis() }
func needsPostgres(s *servers) *daemon { return s.postgres() }
func needsMySQL(s *servers) *daemon    { return s.mysql() }

// redisSocket is where a redis-server listens.
func (s *servers) redisSocket() string { return filepath.Join(s.redis().dir, "redis") }

// postgresURL says to drivers where a PostgreSQL listens.
func (s *servers) postgresURL() string {
	return "user=corolla database=postgres sslmode=disable host=" + s.postgres().dir
}

// mysqlSocket is where a MariaDB listens.
func (s *servers) mysqlSocket() string { return filepath.Join(s.mysql().dir, "mysql") }

func startRedis(t *testing.T) *daemon {
	return start(t, daemon{
		program: "redis-server", ready: "eady to accept connections", quit: syscall.SIGTERM,
		args: func(dir string) []string {
			return []string{"--port", "0", "--unixsocket", dir + "/redis", "--dir", dir, "--save", "", "--daemonize", "no"}
		},
	})
}

func startPostgres(t *testing.T) *daemon {
	return start(t, daemon{
		program: "postgres", ready: "ready to accept connections", quit: syscall.SIGINT,
		prepare: func(dir string) []string {
			return []string{"initdb", "-D", dir + "/data", "-U", "corolla", "-A", "trust", "-N", "--no-locale", "-E", "UTF8"}
		},
		args: func(dir string) []string {
			return []string{
				"-D", dir + "/data", "-k", dir, "-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=20",
				"-c", "lc_messages=C",
			}
		},
	})
}

// startMySQL starts a MariaDB without its own tables: it then knows no users, and lets all in.
func startMySQL(t *testing.T) *daemon {
	return start(t, daemon{
		program: "mariadbd", ready: "ready for connections", quit: syscall.SIGTERM,
		args: func(dir string) []string {
			return []string{
				"--no-defaults", "--datadir=" + dir, "--socket=" + dir + "/mysql", "--skip-networking", "--skip-grant-tables",
				"--innodb-buffer-pool-size=8M", "--innodb-use-native-aio=0", "--pid-file=" + dir + "/pid",
			}
		},
	})
}

// daemon is a server, and how it is started and ended.
type daemon struct {
	program string
	args    func(dir string) []string
	prepare func(dir string) []string // a program that must have run before; nil is none
	ready   string                    // is in its log when it can be called
	quit    syscall.Signal

	dir     string
	missing string // a program that is not installed
	err     error  // of starting
}

// check ends a test that cannot have its server. One that is not installed is no reason to skip it where all
// must be tested.
func (d *daemon) check(t *testing.T) {
	t.Helper()
	switch {
	case d.err != nil:
		t.Fatal(d.err)
	case d.missing != "" && os.Getenv("CI") != "":
		t.Fatalf("%s is not installed", d.missing)
	case d.missing != "":
		t.Skipf("%s is not installed", d.missing)
	}
}

// start starts a server, and ends it with the test.
func start(t *testing.T, how daemon) *daemon {
	d := &how
	if d.dir, d.err = os.MkdirTemp("", "compat"); d.err != nil { // a test's own has too long a name for a socket
		return d
	}
	t.Cleanup(func() { _ = os.RemoveAll(d.dir) })
	cred, err := unprivileged(d.dir)
	if err != nil {
		d.err = err
		return d
	}
	if d.prepare != nil {
		cmd := d.command(d.prepare(d.dir), cred)
		if cmd == nil {
			return d
		}
		if out, err := cmd.CombinedOutput(); err != nil {
			d.err = errors.New(cmd.String() + ": " + err.Error() + "\n" + string(out))
			return d
		}
	}
	if cmd := d.command(append([]string{d.program}, d.args(d.dir)...), cred); cmd != nil {
		d.run(t, cmd)
	}
	return d
}

func (d *daemon) run(t *testing.T, cmd *exec.Cmd) {
	log := &logged{text: d.ready, seen: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = log, log
	if d.err = cmd.Start(); d.err != nil {
		return
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case <-log.seen:
		t.Cleanup(func() {
			_ = cmd.Process.Signal(d.quit) // unless it has ended
			select {
			case err := <-ended:
				if err != nil {
					t.Errorf("%s: %v\n%s", d.program, err, log)
				}
			case <-time.After(time.Minute):
				_ = cmd.Process.Kill()
				t.Errorf("%s did not end\n%s", d.program, log)
				<-ended
			}
		})
	case err := <-ended:
		d.err = errors.New(d.program + " ended: " + errorText(err) + "\n" + log.String())
	}
}

func errorText(err error) string {
	if err == nil {
		return "without an error"
	}
	return err.Error()
}

// command finds a program; Debian has those of PostgreSQL where no shell looks. It returns nil if the
// program is not there.
func (d *daemon) command(args []string, cred *syscall.Credential) *exec.Cmd {
	file, err := exec.LookPath(args[0])
	for _, pattern := range []string{"/usr/lib/postgresql/*/bin/", "/usr/sbin/"} {
		if found, _ := filepath.Glob(pattern + args[0]); err != nil && len(found) > 0 {
			file, err = found[len(found)-1], nil
		}
	}
	if err != nil {
		d.missing = args[0]
		return nil
	}
	cmd := exec.Command(file, args[1:]...)
	cmd.Dir = d.dir
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Setpgid:   true, // a ^C is for the tests, which end it
		Pdeathsig: d.quit, Credential: cred,
	}
	return cmd
}

// unprivileged gives a directory to nobody, if root runs the tests, and returns who that is: PostgreSQL
// does not run as root.
func unprivileged(dir string) (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("nobody")
	if err != nil {
		return nil, err
	}
	uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, os.Chown(dir, int(uid), int(gid))
}

// logged keeps what a server says, and tells when a text was in it.
type logged struct {
	mu   sync.Mutex
	all  bytes.Buffer
	text string
	seen chan struct{}
	told bool
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all.Write(b)
	if !l.told && strings.Contains(l.all.String(), l.text) {
		l.told = true
		close(l.seen)
	}
	return len(b), nil
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.String()
}
