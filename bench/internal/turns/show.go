package turns

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
	"unicode/utf8"

	"golang.org/x/sys/unix"
)

// Machine is where figures come from; without it they mean nothing.
type Machine struct {
	CPU    string `json:"cpu"`
	Cores  int    `json:"cores"`
	Kernel string `json:"kernel"`
	Go     string `json:"go"`
	GCC    string `json:"gcc"`
	Gnet   string `json:"gnet"`
}

// absent is the version of a module that this program does not have.
const absent = "not part of this program"

// ThisMachine describes the machine. What cannot be found out is "unknown".
func ThisMachine() Machine {
	m := Machine{CPU: "unknown", Cores: runtime.NumCPU(), Kernel: "unknown", Go: runtime.Version(), GCC: "not installed", Gnet: absent}
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if _, after, ok := strings.Cut(string(text), "model name"); ok {
			line, _, _ := strings.Cut(after, "\n")
			m.CPU = strings.Trim(line, "\t :")
		}
	}
	var u unix.Utsname
	if err := unix.Uname(&u); err == nil {
		m.Kernel = unix.ByteSliceToString(u.Sysname[:]) + " " + unix.ByteSliceToString(u.Release[:])
	}
	if out, err := exec.Command(compiler, "-dumpfullversion").Output(); err == nil {
		m.GCC = strings.TrimSpace(string(out))
	}
	if version := ModuleVersion("github.com/panjf2000/gnet/v2"); version != "" {
		m.Gnet = version
	}
	return m
}

// ModuleVersion returns the version of a module that is part of this program, or "".
func ModuleVersion(path string) string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, dep := range info.Deps {
			if dep.Path == path {
				return dep.Version
			}
		}
	}
	return ""
}

func (m Machine) String() string {
	text := fmt.Sprintf("%s, %d cores; %s; %s; gcc %s", m.CPU, m.Cores, m.Kernel, m.Go, m.GCC)
	if m.Gnet != absent {
		text += "; gnet " + m.Gnet
	}
	return text
}

// WriteJSON writes one object.
func WriteJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// WriteTable writes rows of cells as columns: the first aligned left, the others right.
func WriteTable(w io.Writer, rows [][]string) error {
	var width []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(width) {
				width = append(width, 0)
			}
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
	}
	var b strings.Builder
	for _, row := range rows {
		line := ""
		for i, cell := range row {
			pad := strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell))
			if i == 0 {
				line = cell + pad
			} else {
				line += "  " + pad + cell
			}
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// Figure shows a number.
func Figure(v float64) string { return fmt.Sprintf("%.2f", v) }

// Times shows a ratio; there is none where a short turn had no tick to count.
func Times(ratio float64) string {
	if ratio == 0 {
		return "-"
	}
	return Figure(ratio)
}

// Span shows a range.
func Span(s Spread) string { return fmt.Sprintf("%.2f to %.2f", s.Low, s.High) }
