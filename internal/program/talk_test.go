package program

import (
	"bytes"
	"encoding/json"
	"html"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/corolla-go/corolla/examples/talk"
)

func TestTalkInEveryRow(t *testing.T) {
	needLoop(t)
	page := filepath.Join(t.TempDir(), "talk.html")
	status, stdout, stderr := call("talk", "--mib", "24", "--json", "--html", page)
	if status != 0 || stderr != "" {
		t.Fatalf("status %d, stderr %q, stdout %s", status, stderr, stdout)
	}
	got := readJSON(t, stdout)
	rows := got["rows"].([]any)
	if len(rows) != len(talk.Rows) || got["mib"] != 24.0 || got["rate_mib_per_s"] != 200.0 || got["sink"] != "" {
		t.Fatalf("%d rows, want %d; %v", len(rows), len(talk.Rows), got)
	}
	for i, row := range rows {
		r := row.(map[string]any)
		for _, key := range []string{
			"row", "ok", "bytes", "verified", "seconds", "mib_per_s", "slices", "slices_per_s",
			"longest_idle_io_ms", "longest_idle_work_ms", "error",
		} {
			if _, ok := r[key]; !ok {
				t.Errorf("%v has no %s", r["row"], key)
			}
		}
		if r["row"] != talk.Rows[i].Name || r["ok"] != true || r["verified"] != true ||
			r["bytes"] != float64(24<<20) || r["error"] != "" {
			t.Errorf("%v", r)
		}
		if blocking := r["row"] == "blocking"; blocking != (r["slices"] == 0.0) || blocking != (r["slices_per_s"] == 0.0) {
			t.Errorf("%v counted %v slices while it sent, %v a second", r["row"], r["slices"], r["slices_per_s"])
		}
	}
	if want := talk.Conclude(resultsOf(t, stdout), 200); got["conclusion"] != want {
		t.Errorf("concluded %q of figures that say %q", got["conclusion"], want)
	}
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(text, []byte("<svg")); n != len(talk.Rows) || bytes.Contains(text, []byte("http")) {
		t.Errorf("a page with %d timelines, or with links to elsewhere", n)
	}
	if !strings.Contains(html.UnescapeString(string(text)), "<p>"+got["conclusion"].(string)+"</p>") {
		t.Error("the page has no conclusion, or another")
	}
}

// readJSON wants one object and nothing else.
func readJSON(t *testing.T, text string) map[string]any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	var object map[string]any
	if err := d.Decode(&object); err != nil {
		t.Fatalf("%v: %q", err, text)
	}
	if _, err := d.Token(); err != io.EOF {
		t.Errorf("something comes behind the object: %q", text)
	}
	return object
}

func resultsOf(t *testing.T, text string) []talk.Result {
	t.Helper()
	var d document
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		t.Fatal(err)
	}
	return d.Rows
}

func TestTalkPrintsATableAndAConclusion(t *testing.T) {
	needLoop(t)
	status, stdout, stderr := call("talk", "--mib", "2", "--only", "tasks,select")
	if status != 0 || stderr != "" {
		t.Fatalf("status %d, stderr %q", status, stderr)
	}
	want := `(?s)^ *row .*\n *tasks .*\n *select .*\n\nslices: .*\n\n(In both rows|The transfer) .*\.\n$`
	if !regexp.MustCompile(want).MatchString(stdout) || strings.ContainsAny(stdout, "\x1b\r") {
		t.Errorf("printed %s", stdout)
	}
}

// TestTalkToASinkThatDies has a sink that resets every second connection.
func TestTalkToASinkThatDies(t *testing.T) {
	needLoop(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go func() {
		for n := 0; ; n++ { // the first connection is the probe
			c, err := ln.Accept()
			if err != nil {
				return
			}
			if n%2 == 1 {
				_, _ = io.CopyN(io.Discard, c, 1<<20)
				_ = c.(*net.TCPConn).SetLinger(0)
			} else {
				_, _ = io.Copy(io.Discard, c)
			}
			c.Close()
		}
	}()
	status, stdout, stderr := call("talk", "--mib", "32", "--sink", ln.Addr().String())
	if status != 1 || stderr != "" {
		t.Errorf("status %d, stderr %q", status, stderr)
	}
	for i, r := range talk.Rows {
		failed := regexp.MustCompile(`(?m)^` + r.Name + ` failed: .*(reset|broken pipe)`).MatchString(stdout)
		if failed != (i%2 == 0) {
			t.Errorf("%s: failed is %v\n%s", r.Name, failed, stdout)
		}
	}
}

// TestTalkDropsThePageOfATalkThatDidNotBegin has a server that refuses.
func TestTalkDropsThePageOfATalkThatDidNotBegin(t *testing.T) {
	dir := t.TempDir()
	made, had := filepath.Join(dir, "new.html"), filepath.Join(dir, "old.html")
	if err := os.WriteFile(had, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, page := range []string{made, had} {
		if status, stdout, _ := call("talk", "--sink", "127.0.0.1:1", "--html", page); status != 1 || stdout != "" {
			t.Errorf("status %d, stdout %q", status, stdout)
		}
	}
	if _, err := os.Stat(made); !os.IsNotExist(err) {
		t.Errorf("the page is there: %v", err)
	}
	if text, err := os.ReadFile(had); string(text) != "old" {
		t.Errorf("the page that was there is now %q, %v", text, err)
	}
}

// TestTalkReplacesThePage has a file that is longer than the page.
func TestTalkReplacesThePage(t *testing.T) {
	needLoop(t)
	page := filepath.Join(t.TempDir(), "page.html")
	if err := os.WriteFile(page, bytes.Repeat([]byte("old "), 1<<18), 0o600); err != nil {
		t.Fatal(err)
	}
	if status, _, stderr := call("talk", "--mib", "1", "--only", "select", "--html", page); status != 0 {
		t.Fatalf("status %d, stderr %q", status, stderr)
	}
	if text, err := os.ReadFile(page); err != nil || !bytes.HasSuffix(text, []byte("</html>\n")) {
		t.Errorf("the page ends with %.20q, %v", text[max(0, len(text)-20):], err)
	}
}

func TestTalkIsInterrupted(t *testing.T) {
	needLoop(t)
	for _, c := range []struct {
		row    string
		sig    os.Signal
		option string
	}{
		{"tasks", os.Interrupt, ""},
		{"blocking", syscall.SIGTERM, "--json"},
		{"processes", syscall.SIGTERM, ""},
	} {
		// A sink that takes nothing: the row would last for ever.
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		args := []string{"talk", "--sink", ln.Addr().String(), "--only", c.row + ",green"}
		cmd, out, stderr := start(t, append(args, strings.Fields(c.option)...)...)
		var last net.Conn
		for range 2 { // the probe, and the first row
			if last, err = ln.Accept(); err != nil {
				t.Fatal(err)
			}
			defer last.Close()
		}
		if _, err := io.ReadFull(last, make([]byte, 1<<10)); err != nil { // it has begun to send
			t.Fatal(err)
		}
		if err := cmd.Process.Signal(c.sig); err != nil {
			t.Fatal(err)
		}
		stdout, err := io.ReadAll(out)
		if err != nil {
			t.Fatal(err)
		}
		err = cmd.Wait()
		if cmd.ProcessState.ExitCode() != 1 || stderr.String() != "corolla talk: interrupted after 0 of 2 rows\n" {
			t.Errorf("%s, after %v: %v, stderr %q", c.row, c.sig, err, stderr)
		}
		switch {
		case c.option == "" && len(stdout) > 0:
			t.Errorf("%s: printed %q", c.row, stdout)
		case c.option != "":
			if rows := readJSON(t, string(stdout))["rows"].([]any); len(rows) > 0 {
				t.Errorf("%s: rows %v", c.row, rows)
			}
		}
	}
}

// TestExitStatuses asks the program itself, in which nobody watches.
func TestExitStatuses(t *testing.T) {
	needLoop(t)
	for args, want := range map[string]int{
		"--help":                       0,
		"talk --help":                  0,
		"talk --mib 1 --only spin":     0,
		"talk --sink 127.0.0.1:1":      1,
		"talk --mib 1x":                2,
		"serve echo --addr 1:1:1":      2,
		"talk --html /nowhere/at/all":  1,
		"serve echo --addr 0.0.0.1:70": 1,
	} {
		cmd, out, stderr := start(t, strings.Fields(args)...)
		stdout, err := io.ReadAll(out)
		if err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // says what ExitCode does
		if got := cmd.ProcessState.ExitCode(); got != want {
			t.Errorf("corolla %s: status %d, want %d; stderr %q", args, got, want, stderr)
		}
		if (stderr.Len() > 0) != (want > 0) || strings.ContainsAny(string(stdout)+stderr.String(), "\x1b\r") {
			t.Errorf("corolla %s: stdout %q, stderr %q", args, stdout, stderr)
		}
	}
}

func TestWrapKeepsNumbersWithTheirUnits(t *testing.T) {
	for _, c := range []struct {
		text  string
		width int
		want  string
	}{
		{"", 10, ""},
		{"one two three", 7, "one two\nthree"},
		{"it took 0.25 s, or 10 of 12 rows", 13, "it took\n0.25 s, or\n10 of 12 rows"},
		{"incomprehensibilities", 5, "incomprehensibilities"},
		{"ends with 7", 9, "ends with\n7"},
	} {
		if got := wrap(c.text, c.width); got != c.want {
			t.Errorf("%q in %d: %q, want %q", c.text, c.width, got, c.want)
		}
	}
}

// TestShowFails has nowhere to write to.
func TestShowFails(t *testing.T) {
	broken, closed := io.Pipe()
	_ = broken.Close() // it never fails
	for _, args := range [][]string{{"--help"}, {"talk", "--help"}, {"serve", "--help"}} {
		var stderr bytes.Buffer
		if status := run(args, &console{out: closed, err: &stderr}); status != 1 || !strings.Contains(stderr.String(), "closed pipe") {
			t.Errorf("corolla %q: status %d, stderr %q", args, status, &stderr)
		}
	}
}
