package httpwork

import (
	"bytes"
	"fmt"
	"strconv"
)

// maxHead is how long a head may be.
const maxHead = 4096

var (
	headEnd       = []byte("\r\n\r\n")
	newline       = []byte("\r\n")
	statusOK      = []byte("HTTP/1.1 200 ")
	contentLength = []byte("Content-Length")
)

// Answers reads the answers of one connection. Each must have status 200 and a Content-Length,
// which all of the servers send for these answers; so chunks are not understood.
type Answers struct {
	head []byte // what there is of one that is not complete
	left int    // bytes of a body still to come
	want int
}

// NewAnswers returns a reader of answers that must have bodies of that many bytes, at least 1.
func NewAnswers(body int) *Answers { return &Answers{want: body} }

// Take takes what was read, and returns how many answers ended in it.
func (a *Answers) Take(b []byte) (ended int, err error) {
	for len(b) > 0 {
		if a.left > 0 {
			n := min(a.left, len(b))
			b = b[n:]
			if a.left -= n; a.left == 0 {
				ended++
			}
			continue
		}
		head, rest, err := splitHead(&a.head, b)
		if head == nil || err != nil {
			return ended, err
		}
		if err := a.check(head); err != nil {
			return ended, err
		}
		b, a.left = rest, a.want
	}
	return ended, nil
}

// splitHead returns a complete head and what follows it, or keeps what there is and returns nil.
func splitHead(kept *[]byte, b []byte) (head, rest []byte, err error) {
	head = b
	if len(*kept) > 0 {
		head = append(*kept, b...)
	}
	end := bytes.Index(head, headEnd)
	if end < 0 {
		if len(head) > maxHead {
			return nil, nil, fmt.Errorf("an answer's head has more than %d bytes", maxHead)
		}
		*kept = append((*kept)[:0], head...)
		return nil, nil, nil
	}
	rest = head[end+len(headEnd):]
	*kept = (*kept)[:0]
	return head[:end], rest, nil
}

func (a *Answers) check(head []byte) error {
	if !bytes.HasPrefix(head, statusOK) {
		status, _, _ := bytes.Cut(head, newline)
		return fmt.Errorf("the answer is %q", status)
	}
	for line := range bytes.SplitSeq(head, newline) {
		name, value, _ := bytes.Cut(line, []byte(":"))
		if !bytes.EqualFold(name, contentLength) {
			continue
		}
		n, err := strconv.Atoi(string(bytes.TrimSpace(value)))
		if err != nil {
			return fmt.Errorf("the answer's length: %w", err)
		}
		if n != a.want {
			return fmt.Errorf("the answer has %d bytes, and not %d", n, a.want)
		}
		return nil
	}
	return fmt.Errorf("the answer has no Content-Length: %q", head)
}
