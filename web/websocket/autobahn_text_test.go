package websocket_test

import (
	"fmt"
	"testing"
)

// Cases 6: text must be UTF-8, which is found out as soon as it can be.

const (
	kosme   = "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5"
	hello   = "Hello-\xc2\xb5@\xc3\x9f\xc3\xb6\xc3\xa4\xc3\xbc\xc3\xa0\xc3\xa1-UTF-8!!"
	invalid = kosme + "\xed\xa0\x80edited" // a surrogate in the middle
)

// utf8Text are texts that are UTF-8: cases 6.2, 6.5, 6.7, 6.9, 6.11, 6.13, 6.15, 6.17, 6.22 and 6.23.
var utf8Text = []string{
	hello, kosme, "\x00", "\xc2\x80", "\xe0\xa0\x80", "\xf0\x90\x80\x80", "\x7f", "\xdf\xbf", "\xef\xbf\xbf", "\xf4\x8f\xbf\xbf",
	"\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbd", "\xef\xbf\xbe", "\xf0\x9f\xbf\xbe", "\xf0\x9f\xbf\xbf", "\xf3\xaf\xbf\xbe",
}

// notUTF8 are texts that are not: cases 6.3, 6.6, 6.8, 6.10, 6.12, 6.14, 6.16, 6.18 to 6.21.
var notUTF8 = []string{
	invalid, "\xce", "\xce\xba\xe1", "\xce\xba\xe1\xbd", "\xf8\x88\x80\x80\x80", "\xfc\x84\x80\x80\x80\x80", "\xf7\xbf\xbf\xbf",
	"\xfb\xbf\xbf\xbf\xbf", "\xfd\xbf\xbf\xbf\xbf\xbf", "\xf4\x90\x80\x80", "\x80", "\xbf", "\x80\xbf", "\x80\xbf\x80\xbf\x80",
	"\xc0 ", "\xe0 ", "\xf0 ", "\xf8 ", "\xfc ", "\xc0", "\xe0\x80", "\xf0\x80\x80", "\xdf", "\xef\xbf", "\xf7\xbf\xbf",
	"\xfe", "\xff", "\xfe\xfe\xff\xff", "\xc0\xaf", "\xe0\x80\xaf", "\xf0\x80\x80\xaf", "\xc1\xbf", "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf",
	"\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80", "\xed\xad\xbf", "\xed\xbf\xbf", "\xed\xa0\x80\xed\xb0\x80",
}

// octets is a text in frames of a byte each.
func octets(s string) (all []frame) {
	for i := range len(s) {
		f := more(s[i : i+1])
		if i == 0 {
			f.op |= 1
		}
		if i == len(s)-1 {
			f.op |= fin
		}
		all = append(all, f)
	}
	return all
}

func texts() []testCase {
	all := []testCase{
		{id: "6.1.1", send: []frame{text("")}, want: []frame{text("")}},
		{id: "6.1.2", send: []frame{begin(""), more(""), last("")}, want: []frame{text("")}},
		{id: "6.1.3", send: []frame{begin(""), more("middle frame payload"), last("")}, want: []frame{text("middle frame payload")}},
		{id: "6.4.1", send: []frame{begin(kosme), more("\xf4\x90\x80\x80")}, code: 1007}, // and no more
		{id: "6.4.2", send: []frame{begin(kosme + "\xf4"), more("\x90")}, code: 1007},    // no more
		{id: "6.2 cut", send: []frame{begin(kosme + "\xf4"), last("\x8f\xbf\xbf")}, want: []frame{text(kosme + "\xf4\x8f\xbf\xbf")}},
		{id: "6 binary", send: []frame{binary(invalid)}, want: []frame{binary(invalid)}},
	}
	for i, s := range utf8Text {
		all = append(all, testCase{id: fmt.Sprint("6.2 valid ", i), send: []frame{text(s)}, want: []frame{text(s)}},
			testCase{id: fmt.Sprint("6.2 valid octets ", i), send: octets(s), want: []frame{text(s)}})
	}
	for i, s := range notUTF8 {
		all = append(all, testCase{id: fmt.Sprint("6.3 invalid ", i), send: []frame{text(s)}, code: 1007},
			testCase{id: fmt.Sprint("6.3 invalid octets ", i), send: octets(s), code: 1007})
	}
	return all
}

func TestAutobahnText(t *testing.T) { run(t, texts()) }

// Cases 6.4.3 and 6.4.4: what is wrong at the beginning of a frame is found before its end has come.
func TestAutobahnTextFailsFast(t *testing.T) {
	for _, as := range roles {
		t.Run(string(as), func(t *testing.T) {
			eachHost(t, func(e *env) {
				p := e.rawTo(as, echo)
				whole := p.bytes(text(kosme + "\xf4\x90\x80\x80edited"))
				p.send(whole[:len(whole)-8]) // up to the byte that cannot follow
				p.hears(bye(1007, ""))
				p.hearsEnd()
			})
		})
	}
}
