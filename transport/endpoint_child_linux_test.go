package transport_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/transport"
)

// What is passed to a program can only be tried in one of its own: the test's program again, which serves at
// the endpoint in COROLLA_TEST_ENDPOINT as if it were a service.

const childEndpoint = "COROLLA_TEST_ENDPOINT"

// TestEndpointChild is that program, and no test otherwise. It serves one connection.
func TestEndpointChild(t *testing.T) {
	text := os.Getenv(childEndpoint)
	if text == "" {
		t.Skip("it is run by other tests")
	}
	l, err := corolla.New(corolla.SlowLimit(0))
	if err != nil {
		t.Fatal(err)
	}
	err = l.Run(func(task *corolla.Task) error {
		server := newLouder()
		srv, err := mustParse(t, text).Listen(l, func(*transport.Conn) transport.Protocol { return server })
		if err != nil {
			return err
		}
		_ = server.wait(t, task)
		return srv.Close()
	})
	if err = errors.Join(err, l.Close()); err != nil {
		fmt.Print("refused: ", err)
		return
	}
	fmt.Print("served")
}

// startChild starts the child with files as systemd would pass them. in and out may be nil.
func startChild(t *testing.T, endpoint, names string, files []*os.File, in io.Reader, out io.Writer) *exec.Cmd {
	t.Helper()
	l, err := corolla.New()
	leaktest.NeedLoop(t, err)
	leaktest.Close(t, l)
	cmd := exec.Command("sh", "-c", `LISTEN_PID=$$ exec "$0" -test.run '^TestEndpointChild$'`, os.Args[0])
	cmd.Env = append(os.Environ(), childEndpoint+"="+endpoint, fmt.Sprint("LISTEN_FDS=", len(files)), "LISTEN_FDNAMES="+names)
	cmd.ExtraFiles, cmd.Stdin, cmd.Stdout = files, in, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd
}

// listening returns the files of a listening TCP and a Unix socket, and where they listen.
func listening(t *testing.T) (files []*os.File, tcp, unix string) {
	t.Helper()
	unix = filepath.Join(t.TempDir(), "s")
	for _, at := range [][2]string{{"tcp", "127.0.0.1:0"}, {"unix", unix}} {
		ln, err := net.Listen(at[0], at[1])
		if err != nil {
			t.Fatal(err)
		}
		f, err := ln.(interface{ File() (*os.File, error) }).File()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _, _ = f.Close(), ln.Close() })
		if files = append(files, f); at[0] == "tcp" {
			tcp = ln.Addr().String()
		}
	}
	return files, tcp, unix
}

// TestSystemdEndpoints: the socket that is meant, of those that were passed.
func TestSystemdEndpoints(t *testing.T) {
	for endpoint, c := range map[string]struct{ network, want string }{
		"systemd:index=0":             {"tcp", "served"},
		"systemd:index=1":             {"unix", "served"},
		"systemd:name=web":            {"tcp", "served"},
		"systemd:name=control":        {"unix", "served"},
		"systemd:domain=INET:index=0": {"tcp", "served"},
		"systemd:domain=unix:index=1": {"unix", "served"},
		"haproxy:systemd:index=1":     {"proxied unix", "served"},
		"systemd:":                    {"", "2 sockets were passed: give an index or a name"},
		"systemd:index=2":             {"", "index 2: 2 sockets were passed"},
		"systemd:name=ftp":            {"", `name "ftp": no socket of that name was passed`},
		"systemd:domain=INET:index=1": {"", `domain "INET": `},
	} {
		t.Run(endpoint, func(t *testing.T) {
			files, tcp, unix := listening(t)
			var out bytes.Buffer
			child := startChild(t, endpoint, "web:control", files, nil, &out)
			switch c.network {
			case "tcp":
				wantLoud(t, "tcp", tcp, "hello")
			case "unix":
				wantLoud(t, "unix", unix, "hello")
			case "proxied unix":
				wantLoud(t, "unix", unix, "PROXY UNKNOWN\r\nhello")
			}
			if err := child.Wait(); err != nil || !strings.Contains(out.String(), c.want) {
				t.Errorf("the child said %q, %v; want %q", out.String(), err, c.want)
			}
		})
	}
	t.Run("the only one", func(t *testing.T) {
		files, tcp, _ := listening(t)
		var out bytes.Buffer
		child := startChild(t, "systemd:", "", files[:1], nil, &out)
		wantLoud(t, "tcp", tcp, "hello")
		if err := child.Wait(); err != nil || !strings.HasPrefix(out.String(), "served") {
			t.Errorf("the child said %q, %v", out.String(), err)
		}
	})
}

// wantLoud says something to the child, and hears the last word of it in upper case.
func wantLoud(t *testing.T, network, address, text string) {
	t.Helper()
	c, err := net.Dial(network, address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len("HELLO"))
	if _, err := io.ReadFull(c, got); string(got) != "HELLO" || err != nil {
		t.Errorf("the child answers %q, %v", got, err)
	}
}

// TestStandardIOEndpoint: pipes and a socket are served to their end, and a plain file is refused. What is printed
// behind that arrives, since the descriptors are left open, and blocking.
func TestStandardIOEndpoint(t *testing.T) {
	big := strings.Repeat("hello", 1<<20)
	var out bytes.Buffer
	child := startChild(t, "stdio:", "", nil, strings.NewReader(big), &out)
	if err := child.Wait(); err != nil || !strings.HasPrefix(out.String(), strings.ToUpper(big)+"served") {
		t.Errorf("pipes: %d bytes, %v: %q", out.Len(), err, tail(out.String()))
	}
	file := plainFile(t, "hello")
	out.Reset()
	child = startChild(t, "stdio:", "", nil, file, &out)
	if err := child.Wait(); err != nil || !strings.Contains(out.String(), "standard input: ") || !strings.Contains(out.String(), "not permitted") {
		t.Errorf("a plain file: %q, %v", out.String(), err)
	}
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	ends := [2]*os.File{os.NewFile(uintptr(fds[0]), "ours"), os.NewFile(uintptr(fds[1]), "theirs")}
	child = startChild(t, "stdio:", "", nil, ends[1], ends[1])
	_ = ends[1].Close()
	if _, err := ends[0].WriteString("hello"); err != nil {
		t.Fatal(err)
	}
	if err := unix.Shutdown(fds[0], unix.SHUT_WR); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(ends[0])
	if !strings.HasPrefix(string(got), "HELLOserved") || err != nil {
		t.Errorf("a socket: %q, %v", got, err)
	}
	_ = ends[0].Close()
	if err := child.Wait(); err != nil {
		t.Errorf("a socket: %v", err)
	}
}

func tail(s string) string { return s[max(0, len(s)-100):] }
