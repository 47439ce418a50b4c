package httpservers

import (
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Each program is given its socket, so that nobody has to find a free port. The process becomes the
// program: its number, its core and its end with its parent stay.

// python is Debian's, which is where Debian's packages are.
const python = "/usr/bin/python3"

var (
	//go:embed node.js
	nodeScript []byte

	//go:embed uvicorn.py
	uvicornScript []byte

	//go:embed nginx.conf
	nginxConfig string
)

// nginx opens its socket itself, on a port that another socket holds for it. Rejected: a socket in the
// variable NGINX, as for its successors, with which version 1.22 crashes if it has no master process;
// and a master process, which leaves its worker behind when it is killed.
func nginx(dir string) error {
	_, addr, err := bound()
	if err != nil {
		return err
	}
	text := strings.NewReplacer("ADDRESS", addr, "FOLDER", dir).Replace(nginxConfig)
	config := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return fmt.Errorf("write nginx's configuration: %w", err)
	}
	program, err := findNginx()
	if err != nil {
		return err
	}
	return become(addr, program, "-e", "stderr", "-p", dir, "-c", config)
}

func node(dir string) error {
	program, err := exec.LookPath("node")
	if err != nil {
		return err
	}
	return runScript(dir, "node.js", nodeScript, program)
}

func uvicorn(dir string) error { return runScript(dir, "server.py", uvicornScript, python) }

// runScript runs a server that is told its folder and the descriptor of its socket.
func runScript(dir, name string, text []byte, interpreter string) error {
	script := filepath.Join(dir, name)
	if err := os.WriteFile(script, text, 0o600); err != nil {
		return fmt.Errorf("write a script: %w", err)
	}
	fd, addr, err := bound()
	if err != nil {
		return err
	}
	if err := unix.Listen(fd, unix.SOMAXCONN); err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	return become(addr, interpreter, script, dir, strconv.Itoa(fd))
}

// bound returns a socket with a port of its own, which other programs inherit.
func bound() (fd int, addr string, err error) {
	fd, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return 0, "", fmt.Errorf("make a socket: %w", err)
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1); err != nil {
		return 0, "", fmt.Errorf("share the port: %w", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return 0, "", fmt.Errorf("bind: %w", err)
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		return 0, "", fmt.Errorf("getsockname: %w", err)
	}
	in4, ok := name.(*unix.SockaddrInet4)
	if !ok {
		return 0, "", fmt.Errorf("the socket's address is a %T", name)
	}
	return fd, fmt.Sprintf("127.0.0.1:%d", in4.Port), nil
}

// become prints the address and replaces this process.
func become(addr, program string, args ...string) error {
	// Go has raised the limit of descriptors, and would set it back for another program, unless it
	// is set by hand.
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("ask for the limit of descriptors: %w", err)
	}
	limit.Cur = limit.Max
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("raise the limit of descriptors: %w", err)
	}
	fmt.Println(addr)
	err := syscall.Exec(program, append([]string{program}, args...), os.Environ())
	return fmt.Errorf("run %s: %w", program, err)
}

// findNginx looks also where Debian puts it, which is in the PATH of root only.
func findNginx() (string, error) {
	if program, err := exec.LookPath("nginx"); err == nil {
		return program, nil
	}
	return exec.LookPath("/usr/sbin/nginx")
}

func nginxVersion() (string, error) {
	program, err := findNginx()
	if err != nil {
		return "", errors.New("nginx is not installed")
	}
	version, err := firstLine(program, "-v")
	return strings.TrimPrefix(version, "nginx version: "), err
}

func nodeVersion() (string, error) {
	version, err := firstLine("node", "--version")
	return "node " + version, err
}

func uvicornVersion() (string, error) {
	return firstLine(python, "-c", "import sys, uvicorn, httptools, uvloop\n"+
		"print('uvicorn', uvicorn.__version__, 'with httptools and uvloop', uvloop.__version__, 'on Python', sys.version.split()[0])")
}

// firstLine returns what a program says first, or, if it fails, last.
func firstLine(program string, args ...string) (string, error) {
	if _, err := exec.LookPath(program); err != nil {
		return "", fmt.Errorf("%s is not installed", program)
	}
	out, err := exec.Command(program, args...).CombinedOutput()
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s", program, err, lines[len(lines)-1])
	}
	return lines[0], nil
}
