package framing

import (
	"bytes"
	"fmt"
	"math"
)

// Lines decodes messages that end with a delimiter.
type Lines struct {
	Delimiter string // if empty, a line ends at "\n" or "\r\n"
	Max       int    // bytes of a line without the delimiter; DefaultMaxLine unless set
	decoder

	sought   []byte // the delimiter last searched for
	searched int    // how many bytes of the unfinished line do not have it
	most     int    // bytes of a line
	limit    int    // and those after which there is no end to be hoped for
}

// Feed calls line for every line in the stream, without its delimiter. The error wraps ErrTooLong
// when a line is longer than Max, or when Max plus the delimiter's length (2 by default) bytes have
// come without a delimiter; Buffered then has the line and what follows it.
func (l *Lines) Feed(b []byte, line func([]byte) error) error {
	delimiter, longest := l.Delimiter, len(l.Delimiter)
	if delimiter == "" {
		delimiter, longest = "\n", len("\r\n")
	}
	if l.most = l.Max; l.most <= 0 {
		l.most = DefaultMaxLine
	}
	l.most = min(l.most, math.MaxInt-longest) // so that the sum does not overflow
	l.limit = l.most + longest
	if string(l.sought) != delimiter {
		l.sought, l.searched = []byte(delimiter), 0
	}
	return l.feed(b, line, l)
}

// Take returns what was fed and is in no line yet, and forgets it; see Decoder.
func (l *Lines) Take() []byte {
	l.searched = 0
	return l.decoder.Take()
}

func (l *Lines) split(b []byte) ([]byte, int, error) {
	b = b[:min(len(b), l.limit)]
	from, end := max(0, l.searched-len(l.sought)+1), 0 // a delimiter may have come in part
	if len(l.sought) == 1 {
		end = bytes.IndexByte(b[from:], l.sought[0])
	} else {
		end = bytes.Index(b[from:], l.sought)
	}
	if end < 0 && len(b) < l.limit {
		l.searched = len(b)
		return nil, 0, nil
	}
	line := b
	if end >= 0 {
		line = b[:from+end]
	}
	if n := len(line) - 1; n >= 0 && line[n] == '\r' && l.Delimiter == "" {
		line = line[:n]
	}
	if len(line) > l.most {
		return nil, 0, fmt.Errorf("%w: a line of more than %d bytes", ErrTooLong, l.most)
	}
	l.searched = 0
	return line, from + end + len(l.sought), nil
}

// lacks ends where the delimiter may end.
func (l *Lines) lacks(_, b []byte) int {
	if end := bytes.IndexByte(b, l.sought[len(l.sought)-1]); end >= 0 {
		return end + 1
	}
	return len(b)
}
