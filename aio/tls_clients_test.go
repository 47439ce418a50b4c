package aio_test

import (
	"crypto/tls"
	"encoding/pem"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/internal/certtest"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/transport"
)

const answer = "HTTP/1.0 200 OK\r\nContent-Length: 6\r\n\r\nhello\n"

// answering is a Protocol that answers any request.
type answering struct{ got string }

func (*answering) Opened(*transport.Conn)        {}
func (*answering) Closed(*transport.Conn, error) {}

func (p *answering) Data(c *transport.Conn, b []byte) {
	if p.got += string(b); strings.Contains(p.got, "\r\n\r\n") {
		_ = c.Write([]byte(answer))
		c.Close()
	}
}

// Programs that others have written, as clients of both styles, where they are installed; continuous
// integration installs them.
func TestTLSWithOtherClients(t *testing.T) {
	ca := certtest.New(t)
	cfg := &tls.Config{Certificates: []tls.Certificate{ca.Issue(time.Time{}, "localhost")}}
	roots := filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.Cert.Raw})
	if err := os.WriteFile(roots, text, 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := corolla.New(corolla.SlowLimit(0))
	leaktest.NeedLoop(t, err)
	ln, err := aio.ListenTLS(l, "tcp", "127.0.0.1:0", cfg)
	if err != nil {
		t.Fatal(err)
	}
	l.Go(func(task *corolla.Task) error { return aio.NewServer(ln, answers).Serve(task) })
	srv, err := transport.ServeTLS(l, "tcp", "127.0.0.1:0", cfg, func(*transport.Conn) transport.Protocol { return &answering{} })
	if err != nil {
		t.Fatal(err)
	}
	_, task, _ := net.SplitHostPort(ln.Addr().String())
	_, push, _ := net.SplitHostPort(srv.Addr().String())
	stop := background(t, l, nil)
	askAll(t, roots, task, push)
	if err := l.Post(func() { _, _ = ln.Close(), srv.Close() }); err != nil {
		t.Error(err)
	}
	stop()
}

// answers is answering for a task.
func answers(task *corolla.Task, c *aio.Conn) error {
	for line, err := range c.Lines(task) {
		if err != nil || len(line) == 0 {
			break
		}
	}
	_, err := c.Write(task, []byte(answer))
	return err
}

// python asks with ssl and with asyncio.
const python = `import asyncio,socket,ssl,sys
c=ssl.create_default_context(cafile=sys.argv[1]); c.verify_flags &= ~getattr(ssl,"VERIFY_X509_STRICT",0)
def sockets(port):
    s=c.wrap_socket(socket.create_connection(("127.0.0.1",port)),server_hostname="localhost")
    s.sendall(b"GET / HTTP/1.0\r\n\r\n")
    b=b""
    while True:
        d=s.recv(1000)
        if not d: break
        b+=d
    return b.decode()
async def streams(port):
    r,w=await asyncio.open_connection("127.0.0.1",port,ssl=c,server_hostname="localhost")
    w.write(b"GET / HTTP/1.0\r\n\r\n"); await w.drain()
    b=await r.read()
    w.close(); await w.wait_closed()
    return b.decode()
for port in map(int,sys.argv[2:]):
    print("ssl: "+sockets(port)+"asyncio: "+asyncio.run(streams(port)))`

// askAll has each program ask at each of the ports.
func askAll(t *testing.T, roots string, ports ...string) {
	t.Helper()
	curl, python := []string{"curl", "-sS", "--cacert", roots}, append([]string{"python3", "-c", python, roots}, ports...)
	asked := 0
	for _, port := range ports {
		curl = append(curl, "https://localhost:"+port+"/")
		asked += ask(t, 1, "openssl", "s_client", "-quiet", "-CAfile", roots, "-verify_return_error", "-connect", "127.0.0.1:"+port)
		asked += ask(t, 1, "socat", "-t5", "-", "OPENSSL:localhost:"+port+",cafile="+roots+",pf=ip4")
	}
	asked += ask(t, len(ports), curl...)
	asked += ask(t, 2*len(ports), python...)
	if asked == 0 {
		t.Skip("none of curl, openssl, python3 and socat is installed, which fails above where CI is set")
	}
}

// ask runs a program, and wants that many answers. It returns 0 if there is no such program.
func ask(t *testing.T, answers int, args ...string) int {
	t.Helper()
	if _, err := exec.LookPath(args[0]); err != nil {
		if os.Getenv("CI") != "" {
			t.Errorf("continuous integration must install %s", args[0])
		}
		return 0
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdin = strings.NewReader("GET / HTTP/1.0\r\n\r\n")
	out, err := cmd.CombinedOutput()
	if err != nil || strings.Count(string(out), "hello\n") != answers {
		t.Errorf("%s: %v\n%s", args[0], err, out)
	}
	return 1
}
