package corolla

import (
	"bytes"
	"fmt"
	"path/filepath"
	"reflect"
	"runtime"
	"strconv"
	"strings"
)

// site is the place in the program where something was registered: a program
// counter, or 0 if it was not recorded.
type site uintptr

// site returns the caller of the method that called it, in debug mode.
func (l *Loop) site() site {
	if !l.opt.debug {
		return 0
	}
	return callSite(3)
}

// CallSite returns, in debug mode, where the function that calls it was called from, as " made at
// file:line"; otherwise it returns "". It is for reports of things that were made and forgotten.
func (l *Loop) CallSite() string {
	l.check("CallSite")
	if !l.opt.debug {
		return ""
	}
	return " made at " + callSite(3).String()
}

// callSite finds the caller at depth skip, where 1 is callSite's own.
func callSite(skip int) site {
	var pc [1]uintptr
	runtime.Callers(skip+1, pc[:])
	return site(pc[0])
}

func (s site) String() string {
	if s == 0 {
		return "an unknown place"
	}
	frame, _ := runtime.CallersFrames([]uintptr{uintptr(s)}).Next()
	return place(frame.File, frame.Line)
}

func place(file string, line int) string {
	return filepath.Join(filepath.Base(filepath.Dir(file)), filepath.Base(file)) + ":" + strconv.Itoa(line)
}

// describe names what a ready entry would run.
func describe(e entry) string {
	switch w := e.what.(type) {
	case callback:
		return "callback " + function(w) + registered(e.site)
	case *Timer:
		if f, ok := w.what.(callback); ok {
			return "timer callback " + function(f) + registered(w.site)
		}
		return "a timer of the loop's own"
	case *readiness:
		if w.f == nil {
			return "an I/O callback that was removed" + w.peer()
		}
		return "I/O callback " + function(w.f) + registered(w.site) + w.peer()
	case *Task:
		return w.String()
	case nil:
		return "the loop"
	}
	return fmt.Sprintf("%T", e.what)
}

// function names a function and where it begins, which for a function literal is
// where it was registered, give or take a line.
func function(f any) string {
	fn := runtime.FuncForPC(reflect.ValueOf(f).Pointer())
	if fn == nil {
		return "(unknown)"
	}
	file, line := fn.FileLine(fn.Entry())
	name := fn.Name()
	return name[strings.LastIndexByte(name, '/')+1:] + " (" + place(file, line) + ")"
}

func registered(s site) string {
	if s == 0 {
		return ""
	}
	return " registered at " + s.String()
}

// goroutineNumber reads the number that a stack trace begins with. That is slow; it is used once a
// run, to find stalls, and where host.Goroutine has no answer.
func goroutineNumber() uintptr {
	var buf [64]byte
	b := buf[:runtime.Stack(buf[:], false)]
	b = bytes.TrimPrefix(b, []byte("goroutine "))
	if i := bytes.IndexByte(b, ' '); i >= 0 {
		b = b[:i]
	}
	id, err := strconv.ParseUint(string(b), 10, 64)
	if err != nil {
		panic(fmt.Sprintf("corolla: cannot read the goroutine's number from %q", buf))
	}
	return uintptr(id)
}
