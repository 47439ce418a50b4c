package framing_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/corolla-go/corolla/transport/framing"
)

// streams are three messages and what may be the beginning of a fourth, for each decoder.
var streams = map[string]struct {
	make func() framing.Decoder
	text string
	want []string
	rest string
}{
	"lines":        {func() framing.Decoder { return &framing.Lines{} }, "one\r\n\nthree\nfo", []string{"one", "", "three"}, "fo"},
	"long ends":    {func() framing.Decoder { return &framing.Lines{Delimiter: "<>"} }, "o<e<><>three<><", []string{"o<e", "", "three"}, "<"},
	"netstrings":   {func() framing.Decoder { return &framing.Netstrings{} }, "3:one,0:,5:thr:e,12:", []string{"one", "", "thr:e"}, "12:"},
	"8-bit sizes":  {func() framing.Decoder { return &framing.Prefixed{Size: 1} }, "\x03one\x00\x05three\x04f", []string{"one", "", "three"}, "\x04f"},
	"16-bit sizes": {func() framing.Decoder { return &framing.Prefixed{Size: 2} }, "\x00\x03one\x00\x00\x00\x05three\x00", []string{"one", "", "three"}, "\x00"},
	"32-bit sizes": {func() framing.Decoder { return &framing.Prefixed{} }, "\x00\x00\x00\x03one\x00\x00\x00\x00\x00\x00\x00\x05three\x00\x00", []string{"one", "", "three"}, "\x00\x00"},
	"pieces":       {func() framing.Decoder { return &framing.Sized{Size: 3} }, "onetwosixse", []string{"one", "two", "six"}, "se"},
}

// TestRule35PauseHoldsMessages: wherever the stream is cut, and after whichever messages the decoding
// pauses, the messages are the same.
func TestRule35PauseHoldsMessages(t *testing.T) {
	for name, c := range streams {
		for cut := range len(c.text) + 1 {
			for pauses := range 1 << len(c.want) {
				d, got := c.make(), []string(nil)
				message := func(m []byte) error {
					got = append(got, string(m))
					if pauses&(1<<(len(got)-1)) != 0 {
						return framing.ErrPause
					}
					return nil
				}
				for _, piece := range []string{c.text[:cut], c.text[cut:]} {
					err := d.Feed([]byte(piece), message)
					for err == framing.ErrPause {
						err = d.Feed(nil, message)
					}
					if err != nil {
						t.Fatalf("%s: %v", name, err)
					}
				}
				if rest := string(d.Take()); !slices.Equal(got, c.want) || rest != c.rest {
					t.Errorf("%s, cut at %d, pauses %b: %q, left %q", name, cut, pauses, got, rest)
				}
			}
		}
	}
}

// TestRule35TakeInMidBuffer: whichever message takes the rest, and wherever the stream is cut, nothing
// is lost and nothing comes twice, and another decoder goes on from there.
func TestRule35TakeInMidBuffer(t *testing.T) {
	for name, c := range streams {
		for cut := range len(c.text) + 1 {
			for at := range len(c.want) {
				d, got, rest := c.make(), []string(nil), ""
				for _, piece := range []string{c.text[:cut], c.text[cut:]} {
					if len(got) > at {
						rest += piece
						continue
					}
					if err := d.Feed([]byte(piece), func(m []byte) error {
						if got = append(got, string(m)); len(got) == at+1 {
							rest = string(d.Take())
						}
						return nil
					}); err != nil {
						t.Fatalf("%s: %v", name, err)
					}
				}
				if left := d.Take(); len(left) > 0 {
					t.Errorf("%s, cut at %d: %q is left after Take", name, cut, left)
				}
				more, err := decode(whole{c.make()}, rest, len(rest)+1)
				if got = append(got, more...); !slices.Equal(got, c.want) || err != nil {
					t.Errorf("%s, cut at %d, taken after %d: %q, %v", name, cut, at, got, err)
				}
			}
		}
	}
}

// whole is a decoder for decode.
type whole struct{ framing.Decoder }

func (whole) Buffered() []byte { return nil }

func TestTakeForgetsAnError(t *testing.T) {
	d := &framing.Lines{Max: 3}
	if err := d.Feed([]byte("too long\nok\n"), nil); !errors.Is(err, framing.ErrTooLong) {
		t.Fatal(err)
	}
	if rest := d.Take(); string(rest) != "too long\nok\n" {
		t.Errorf("left: %q", rest)
	}
	if got, err := decode(d, "ok\n", 1); !slices.Equal(got, []string{"ok"}) || err != nil {
		t.Errorf("after Take: %q, %v", got, err)
	}
}

func TestMessages(t *testing.T) {
	broken := errors.New("broken")
	for name, c := range map[string]struct {
		r    io.Reader
		want string
	}{
		"whole":      {strings.NewReader("a\nb\n"), "[a b] <nil>"},
		"cut off":    {strings.NewReader("a\nb"), "[a] unexpected EOF"},
		"broken":     {io.MultiReader(strings.NewReader("a\nb"), iotest.ErrReader(broken)), "[a] broken"},
		"too long":   {strings.NewReader("a\nabcdef\n"), "[a] framing: too long: a line of more than 5 bytes"},
		"in pieces":  {iotest.OneByteReader(strings.NewReader("a\r\nb\r\n")), "[a b] <nil>"},
		"with error": {iotest.DataErrReader(strings.NewReader("a\nb\n")), "[a b] <nil>"},
	} {
		var got []string
		var err error
		for m, e := range framing.Messages(c.r, &framing.Lines{Max: 5}) {
			if err = e; e == nil {
				got = append(got, string(m))
			}
		}
		if s := fmt.Sprint(got, " ", err); s != c.want {
			t.Errorf("%s: %s, want %s", name, s, c.want)
		}
	}
}

// TestMessagesGoesOn: whoever leaves the loop can read on, here from a head to a body of its size.
func TestMessagesGoesOn(t *testing.T) {
	r := strings.NewReader("head\n\nbodynext\n")
	lines := &framing.Lines{}
	var got []string
	for line := range framing.Messages(r, lines) {
		if got = append(got, string(line)); len(line) == 0 {
			break
		}
	}
	body := &framing.Sized{Size: 4}
	rest := io.MultiReader(bytes.NewReader(lines.Take()), r)
	for piece := range framing.Messages(rest, body) {
		got = append(got, string(piece))
		break
	}
	for line := range framing.Messages(io.MultiReader(bytes.NewReader(body.Take()), rest), lines) {
		got = append(got, string(line))
	}
	if want := []string{"head", "", "body", "next"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestSized(t *testing.T) {
	d := &framing.Sized{Size: 1}
	var got []string
	take := func(b []byte) error {
		got = append(got, string(b))
		d.Size++
		return nil
	}
	if err := d.Feed([]byte("abbcccdd"), take); err != nil || !slices.Equal(got, []string{"a", "bb", "ccc"}) {
		t.Errorf("%q, %v", got, err)
	}
	d.Max = 3
	if err := d.Feed([]byte("d"), take); !errors.Is(err, framing.ErrTooLong) {
		t.Errorf("a size above the limit: %v", err)
	}
	defer func() {
		if recover() == nil {
			t.Error("a size of 0 is accepted")
		}
	}()
	_ = (&framing.Sized{}).Feed([]byte("a"), take)
}
