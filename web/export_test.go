package web

import (
	"bytes"
	"net/http"
	"net/url"
)

// ParseHead parses the head at the start of b if it is of the kind that is parsed here: one without a
// body that passes the checks.
func ParseHead(b []byte) (head []byte, r *http.Request, ok bool, err error) {
	end, err := headEnd(b, 0)
	if err != nil || end < 0 {
		return nil, nil, false, nil
	}
	kind, err := checkHead(b[:end])
	if err != nil || !kind.bodiless() || bytes.HasPrefix(b, []byte(http.MethodConnect)) {
		return nil, nil, false, nil
	}
	r = new(http.Request)
	err = parseBodiless(b[:end], r, new(url.URL))
	return b[:end], r, true, err
}
