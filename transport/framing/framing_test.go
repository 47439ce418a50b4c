package framing_test

import (
	"bytes"
	"errors"
	"fmt"
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
		{"lines of another kind", func() decoder { return &framing.Lines{Delimiter: "\n"} }, "one\r\ntwo\n", []string{"one\r", "two"}, nil},
		{"a line as long as may be", func() decoder { return &framing.Lines{Max: 10} }, "a\r\n" + long + "\r\n", []string{"a", long}, nil},
		{"a line that is longer", func() decoder { return &framing.Lines{Max: 10} }, "a\r\n" + long + "y\r\nb\r\n", []string{"a"}, framing.ErrTooLong},
		{"an end that is late", func() decoder { return &framing.Lines{Max: 10} }, long + "y", nil, nil},
		{"an end that never comes", func() decoder { return &framing.Lines{Max: 10} }, long + "yz", nil, framing.ErrTooLong},
		{"netstrings", func() decoder { return &framing.Netstrings{} }, "5:hello,0:,3:a,b,2:", []string{"hello", "", "a,b"}, nil},
		{"a netstring as long as may be", func() decoder { return &framing.Netstrings{Max: 10} }, "10:" + long + ",", []string{long}, nil},
		{"a netstring that is longer", func() decoder { return &framing.Netstrings{Max: 10} }, "1:a,11", []string{"a"}, framing.ErrTooLong},
		{"a length with a zero before it", func() decoder { return &framing.Netstrings{} }, "05:hello,", nil, framing.ErrMalformed},
		{"a missing comma", func() decoder { return &framing.Netstrings{} }, "5:hello;", nil, framing.ErrMalformed},
		{"no length", func() decoder { return &framing.Netstrings{} }, ":hello,", nil, framing.ErrMalformed},
		{"no number", func() decoder { return &framing.Netstrings{} }, "x", nil, framing.ErrMalformed},
		{"a number without end", func() decoder { return &framing.Netstrings{} }, strings.Repeat("9", 100), nil, framing.ErrTooLong},
		{"lengths of 4 bytes", func() decoder { return &framing.Prefixed{} }, "\x00\x00\x00\x02ab\x00\x00\x00\x00\x00\x00", []string{"ab", ""}, nil},
		{"lengths of 2 bytes", func() decoder { return &framing.Prefixed{Size: 2} }, "\x00\x02ab\x00\x01c", []string{"ab", "c"}, nil},
		{"lengths of 1 byte", func() decoder { return &framing.Prefixed{Size: 1} }, "\x02ab\x01c\x05x", []string{"ab", "c"}, nil},
		{"a length above the limit", func() decoder { return &framing.Prefixed{Max: 10} }, "\x00\x00\x00\x0b", nil, framing.ErrTooLong},
		{"the largest length", func() decoder { return &framing.Prefixed{} }, "\xff\xff\xff\xff", nil, framing.ErrTooLong},
	} {
		for _, size := range []int{1, 2, 3, 1000} {
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
			func() decoder { return &framing.Lines{Max: most, Delimiter: "xyx"} },
			func() decoder { return &framing.Netstrings{Max: most} },
			func() decoder { return &framing.Prefixed{Size: 1, Max: most} },
			func() decoder { return &framing.Prefixed{Size: 2, Max: most} },
			func() decoder { return &framing.Prefixed{Max: most} },
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
