package web

import (
	"net/http"
	"net/url"
)

// ParseHead parses the head at the start of b, if it passes the checks.
func ParseHead(b []byte) (head []byte, r *http.Request, ok bool, err error) {
	end, err := headEnd(b, 0)
	if err != nil || end < 0 {
		return nil, nil, false, nil
	}
	var kind fields
	if err := kind.check(b[:end], nil); err != nil {
		return nil, nil, false, nil
	}
	r = new(http.Request)
	err = parseHead(b[:end], &kind, r, new(url.URL))
	return b[:end], r, true, err
}

// CommonNames returns the names of the table.
func CommonNames() (names []string) {
	for _, name := range commonNames {
		if name != "" {
			names = append(names, name)
		}
	}
	return names
}

// CommonName finds a name in the table.
func CommonName(name []byte) string { return commonName(name) }
