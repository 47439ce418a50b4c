package deferred

import (
	"errors"
	"path/filepath"
	"reflect"
	"runtime"
	"strconv"
	"strings"
)

// origin is where a Deferred and its error come from, in debug mode only: to know it takes a
// microsecond or two for each Deferred.
type origin struct {
	made   string // " made at file:line"
	raised string // "Errback at file:line"
}

// made keeps what CallSite says, if that is anything.
func made(site string) *origin {
	if site == "" {
		return nil
	}
	return &origin{made: site}
}

// raised records where an error was raised.
func (d *Deferred[T]) raised(what, site string) {
	if d.origin != nil {
		d.origin.raised = what + strings.Replace(site, " made", "", 1)
	}
}

// inherit records where an error was raised that another Deferred has handed over.
func (d *Deferred[T]) inherit(raised string) {
	if d.origin != nil && raised != "" {
		d.origin.raised = raised
	}
}

// failed is called when a callback has returned an error. A value besides is dropped. In debug mode it
// records who has failed, unless the error was passed on.
func (d *Deferred[T]) failed(f any, given error) {
	var zero T
	d.value = zero
	if d.origin == nil || given != nil && errors.Is(d.err, given) {
		return
	}
	at := reflect.ValueOf(f).Pointer()
	file, line := runtime.FuncForPC(at).FileLine(at)
	d.raised("the callback at "+filepath.Join(filepath.Base(filepath.Dir(file)), filepath.Base(file))+":"+strconv.Itoa(line), "")
}

// name names a Deferred.
func (d *Deferred[T]) name() string {
	if d.origin == nil {
		return "a Deferred"
	}
	return "a Deferred" + d.origin.made
}

// describe names a Deferred, and where its error was raised.
func (d *Deferred[T]) describe() string {
	if d.err == nil || d.origin == nil || d.origin.raised == "" {
		return d.name()
	}
	return d.name() + " (its error comes from " + d.origin.raised + ")"
}
