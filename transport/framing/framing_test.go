package framing_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/corolla-go/corolla/transport/framing"
)

// decoder is what all have.
type decoder interface {
	Feed(b []byte, message func([]byte) error) error
	Buffered() []byte
}

// decode feeds text in pieces of a size, and returns the messages.
func decode(d decoder, text string, size int) (messages []string, err error) {
	for len(text) > 0 && err == nil {
		n := min(size, len(text))
		err = d.Feed([]byte(text[:n]), func(m []byte) error {
			messages = append(messages, string(m))
			return nil
		})
		text = text[n:]
	}
	return messages, err
}

func TestDecoders(t *testing.T) { // twisted rules 34 and 36, differences 18
	long := strings.Repeat("x", 10)
	for _, c := range []struct {
		name string
		make func() decoder
		in   string
		want []string
		is   error
	}{
		{"lines", func() decoder { return &framing.Lines{} }, "one\r\n\r\nthree\r\nrest", []string{"one", "", "three"}, nil},
		{"lines of both kinds", func() decoder { return &framing.Lines{} }, "one\ntwo\r\n\n\r\nfi\rve\r\r\nrest\r", []string{"one", "two", "", "", "fi\rve\r"}, nil},
		{"lines of one kind only", func() decoder { return &framing.Lines{Delimiter: "\r\n"} }, "one\ntwo\r\n\r", []string{"one\ntwo"}, nil},
		{"lines of another kind", func() decoder { return &framing.Lines{Delimiter: "\n"} }, "one\r\ntwo\n", []string{"one\r", "two"}, nil},
		{"a line as long as may be", func() decoder { return &framing.Lines{Max: 10} }, "a\r\n" + long + "\r\n", []string{"a", long}, nil},
		{"a line that is longer", func() decoder { return &framing.Lines{Max: 10} }, "a\r\n" + long + "y\r\nb\r\n", []string{"a"}, framing.ErrTooLong},
		{"a short end, as long as may be", func() decoder { return &framing.Lines{Max: 10} }, long + "\n", []string{long}, nil},
		{"a short end of a line that is longer", func() decoder { return &framing.Lines{Max: 10} }, long + "y\n", nil, framing.ErrTooLong},
		{"an end behind the limit", func() decoder { return &framing.Lines{Max: 10} }, long + "\r\r\n", nil, framing.ErrTooLong},
		{"an end of one kind that is late", func() decoder { return &framing.Lines{Max: 10, Delimiter: "\r\n"} }, long + "\r", nil, nil},
		{"an end of one kind that never comes", func() decoder { return &framing.Lines{Max: 10, Delimiter: "\r\n"} }, long + "\n\n", nil, framing.ErrTooLong},
		{"a short end that is late", func() decoder { return &framing.Lines{Max: 10, Delimiter: "\n"} }, long, nil, nil},
		{"a short end that never comes", func() decoder { return &framing.Lines{Max: 10, Delimiter: "\n"} }, long + "y", nil, framing.ErrTooLong},
		{"an end in pieces", func() decoder { return &framing.Lines{Max: 10, Delimiter: "endend"} }, "anendenenendend.endend", []string{"anendenen", "."}, nil},
		{"an end that is late", func() decoder { return &framing.Lines{Max: 10} }, long + "y", nil, nil},
		{"an end that never comes", func() decoder { return &framing.Lines{Max: 10} }, long + "yz", nil, framing.ErrTooLong},
		{"netstrings", func() decoder { return &framing.Netstrings{} }, "5:hello,0:,3:a,b,2:", []string{"hello", "", "a,b"}, nil},
		{"a netstring as long as may be", func() decoder { return &framing.Netstrings{Max: 10} }, "10:" + long + ",", []string{long}, nil},
		{"a netstring that is longer", func() decoder { return &framing.Netstrings{Max: 10} }, "1:a,11", []string{"a"}, framing.ErrTooLong},
		{"a length with a zero before it", func() decoder { return &framing.Netstrings{} }, "05:hello,", nil, framing.ErrMalformed},
		{"a missing comma", func() decoder { return &framing.Netstrings{} }, "5:hello;", nil, framing.ErrMalformed},
		{"no length", func() decoder { return &framing.Netstrings{} }, ":hello,", nil, framing.ErrMalformed},
		{"nothing but the marks", func() decoder { return &framing.Netstrings{} }, "0:,:,", []string{""}, framing.ErrMalformed},
		{"a length that ends otherwise", func() decoder { return &framing.Netstrings{} }, "5;hello,", nil, framing.ErrMalformed},
		{"no number", func() decoder { return &framing.Netstrings{} }, "x", nil, framing.ErrMalformed},
		{"a number without end", func() decoder { return &framing.Netstrings{} }, strings.Repeat("9", 100), nil, framing.ErrTooLong},
		{"lengths of 4 bytes", func() decoder { return &framing.Prefixed{} }, "\x00\x00\x00\x02ab\x00\x00\x00\x00\x00\x00", []string{"ab", ""}, nil},
		{"lengths of 2 bytes", func() decoder { return &framing.Prefixed{Size: 2} }, "\x00\x02ab\x00\x01c", []string{"ab", "c"}, nil},
		{"lengths of 1 byte", func() decoder { return &framing.Prefixed{Size: 1} }, "\x02ab\x01c\x05x", []string{"ab", "c"}, nil},
		{"a length above the limit", func() decoder { return &framing.Prefixed{Max: 10} }, "\x00\x00\x00\x0b", nil, framing.ErrTooLong},
		{"the largest length", func() decoder { return &framing.Prefixed{} }, "\xff\xff\xff\xff", nil, framing.ErrTooLong},
	} {
		for _, size := range []int{1, 2, 3, 5, 7, 1000} {
			d := c.make()
			got, err := decode(d, c.in, size)
			if !slices.Equal(got, c.want) || !errors.Is(err, c.is) || (err == nil) != (c.is == nil) {
				t.Errorf("%s, in pieces of %d: %q, %v", c.name, size, got, err)
			}
			if err == nil {
				continue
			}
			if again := d.Feed([]byte("more"), func([]byte) error { t.Error("a message after an error"); return nil }); again != err {
				t.Errorf("%s: after %v comes %v", c.name, err, again)
			}
		}
	}
}

// TestDefaultLimits: 16384 bytes of a line, and 99999 of a string, byte for byte.
func TestDefaultLimits(t *testing.T) {
	text := func(n int) []byte { return bytes.Repeat([]byte("x"), n) }
	prefixed := func(n int) []byte {
		b, err := (&framing.Prefixed{}).Append(nil, text(n))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for _, c := range []struct {
		name    string
		d       decoder
		text    []byte
		want    int
		tooLong bool
	}{
		{"a line", &framing.Lines{}, append(text(16384), "\r\n"...), 1, false},
		{"a longer line", &framing.Lines{}, append(text(16385), "\r\n"...), 0, true},
		{"a line with a short end", &framing.Lines{}, append(text(16384), '\n'), 1, false},
		{"a longer line with a short end", &framing.Lines{}, append(text(16385), '\n'), 0, true},
		{"a line without an end", &framing.Lines{}, text(16385), 0, false},
		{"a longer line without an end", &framing.Lines{}, text(16386), 0, true},
		{"a netstring", &framing.Netstrings{}, framing.AppendNetstring(nil, text(99999)), 1, false},
		{"a longer netstring", &framing.Netstrings{}, []byte("100000"), 0, true},
		{"a string", &framing.Prefixed{}, prefixed(99999), 1, false},
		{"a longer string", &framing.Prefixed{}, prefixed(100000)[:4], 0, true},
	} {
		got := 0
		err := c.d.Feed(c.text, func([]byte) error { got++; return nil })
		if got != c.want || errors.Is(err, framing.ErrTooLong) != c.tooLong {
			t.Errorf("%s: %d messages, %v", c.name, got, err)
		}
	}
}

// TestLimitIsKnownEarly: with a length before the message, nothing of a message that is too long
// is held.
func TestLimitIsKnownEarly(t *testing.T) {
	for _, c := range []struct {
		d    decoder
		good string
		last string
	}{
		{&framing.Netstrings{Max: 20}, "2", "1"},
		{&framing.Netstrings{Max: 20}, "20:" + strings.Repeat("x", 20), ";"},
		{&framing.Netstrings{}, "0", "1"},
		{&framing.Prefixed{Size: 2, Max: 255}, "\x01", "\x00"},
		{&framing.Prefixed{Max: 255}, "\x00\x00\x01", "\x00"},
	} {
		none := func(b []byte) error { t.Errorf("a message: %q", b); return nil }
		if err := c.d.Feed([]byte(c.good), none); err != nil {
			t.Errorf("%q: %v", c.good, err)
		}
		if err := c.d.Feed([]byte(c.last), none); err == nil {
			t.Errorf("%q and %q: no error", c.good, c.last)
		}
	}
}

// The greatest limit there is does not overflow.
func TestHugeLimits(t *testing.T) {
	for _, c := range []struct {
		d    decoder
		text string
		want error // nil is a message, or more to come
	}{
		{&framing.Lines{Max: math.MaxInt}, "hello\n", nil},
		{&framing.Lines{Max: math.MaxInt, Delimiter: "--"}, "hello--", nil},
		{&framing.Netstrings{Max: math.MaxInt}, "5:hello,", nil},
		{&framing.Netstrings{Max: math.MaxInt}, "1000000000:x", nil},
		{&framing.Netstrings{Max: math.MaxInt}, fmt.Sprintf("%d:x", math.MaxInt), framing.ErrTooLong},
		{&framing.Netstrings{Max: math.MaxInt}, "99999999999999999999999999:x", framing.ErrTooLong},
		{&framing.Netstrings{Max: 5}, "9:x", framing.ErrTooLong},
		{&framing.Prefixed{Max: math.MaxInt}, "\x7f\xff\xff\xffx", nil},
	} {
		got := ""
		err := c.d.Feed([]byte(c.text), func(b []byte) error { got = string(b); return nil })
		if !errors.Is(err, c.want) || strings.Contains(c.text, "hello") && got != "hello" {
			t.Errorf("%T of %q: %q, %v; want %v", c.d, c.text, got, err, c.want)
		}
	}
}

// TestWhatIsKept: the beginning of a message, and no more memory than that needs.
func TestWhatIsKept(t *testing.T) {
	const size = 1 << 20
	d := &framing.Lines{Max: size}
	none := func([]byte) error { return nil }
	for _, c := range []struct {
		in   string
		kept int
		most int // capacity
	}{
		{strings.Repeat("x", size), size, 2 * size},
		{"\nabc", 3, 4096},
		{"def", 6, 4096},
		{"\n", 0, 0},
		{"abc", 3, 4096},
	} {
		if err := d.Feed([]byte(c.in), none); err != nil {
			t.Fatal(err)
		}
		if got := d.Buffered(); len(got) != c.kept || cap(got) > c.most {
			t.Errorf("after %.10q…: %d bytes in %d", c.in, len(got), cap(got))
		}
	}
}

// TestDelimiterMayChangeBetweenFeeds: what was searched for one was not for the other.
func TestDelimiterMayChangeBetweenFeeds(t *testing.T) {
	d := &framing.Lines{Delimiter: "\r\n"}
	var got []string
	take := func(b []byte) error { got = append(got, string(b)); return nil }
	if err := d.Feed([]byte("one;two;thr"), take); err != nil {
		t.Fatal(err)
	}
	d.Delimiter = ";"
	if err := d.Feed([]byte("ee;"), take); err != nil || !slices.Equal(got, []string{"one", "two", "three"}) {
		t.Errorf("%q, %v", got, err)
	}
}

func TestErrorOfTheCallerStops(t *testing.T) { // lines behind it in the same piece do not come
	stop := errors.New("stop")
	var got []string
	d := &framing.Lines{}
	err := d.Feed([]byte("a\r\nb\r\nc\r\n"), func(line []byte) error {
		got = append(got, string(line))
		if string(line) == "b" {
			return stop
		}
		return nil
	})
	if err != stop || !slices.Equal(got, []string{"a", "b"}) || string(d.Buffered()) != "c\r\n" {
		t.Errorf("%q, %v, left %q", got, err, d.Buffered())
	}
}

func TestAppend(t *testing.T) {
	if got := framing.AppendNetstring([]byte("a"), []byte("hello")); string(got) != "a5:hello," {
		t.Errorf("netstring %q", got)
	}
	p := &framing.Prefixed{Size: 1}
	if got, err := p.Append(nil, []byte("hi")); string(got) != "\x02hi" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := p.Append([]byte("a"), make([]byte, 256)); string(got) != "a" || !errors.Is(err, framing.ErrTooLong) {
		t.Errorf("%q, %v", got, err)
	}
	defer func() {
		if recover() == nil {
			t.Error("a length of 3 bytes is accepted")
		}
	}()
	_, _ = (&framing.Prefixed{Size: 3}).Append(nil, nil)
}

// FuzzFrames feeds the same stream whole and in pieces to every decoder: the messages must be
// the same, none longer than the limit, and no more may be held than a message can be.
func FuzzFrames(f *testing.F) {
	for _, s := range []string{"one\r\ntwo\r\n", "5:hello,0:,", "\x00\x02ab\x01", "99999999:", "05:x,", strings.Repeat("x", 60)} {
		f.Add([]byte(s), 3)
	}
	f.Fuzz(func(t *testing.T, text []byte, size int) {
		const most = 20
		size = 1 + (size&0x7fffffff)%50
		for _, make := range []func() decoder{
			func() decoder { return &framing.Lines{Max: most} },
			func() decoder { return &framing.Lines{Max: most, Delimiter: "\r\n"} },
			func() decoder { return &framing.Lines{Max: most, Delimiter: "xyx"} },
			func() decoder { return &framing.Netstrings{Max: most} },
			func() decoder { return &framing.Prefixed{Size: 1, Max: most} },
			func() decoder { return &framing.Prefixed{Size: 2, Max: most} },
			func() decoder { return &framing.Prefixed{Max: most} },
			func() decoder { return &framing.Sized{Size: 7, Max: most} },
		} {
			whole, pieces := make(), make()
			a, errA := decode(whole, string(text), len(text)+1)
			b, errB := decode(pieces, string(text), size)
			if !slices.Equal(a, b) || fmt.Sprint(errA) != fmt.Sprint(errB) {
				t.Fatalf("%T: whole %q, %v; in pieces of %d %q, %v", whole, a, errA, size, b, errB)
			}
			for _, m := range a {
				if len(m) > most {
					t.Fatalf("%T: a message of %d bytes", whole, len(m))
				}
			}
			if held := len(pieces.Buffered()); errB == nil && held > most+8 {
				t.Fatalf("%T holds %d bytes: %q", whole, held, bytes.Clone(pieces.Buffered()))
			}
		}
	})
}
