package websocket

import (
	"strconv"
	"strings"
)

const (
	deflateName      = "permessage-deflate"
	serverNoTakeover = "server_no_context_takeover"
	clientNoTakeover = "client_no_context_takeover"
	serverWindow     = "server_max_window_bits"
	clientWindow     = "client_max_window_bits"

	deflateOffer = deflateName + "; " + serverNoTakeover + "; " + clientNoTakeover
	fullWindow   = 32 << 10 // bytes
)

// agreement is what both sides of a handshake have settled.
type agreement struct {
	protocol string
	deflate  bool
	window   int // bytes that we may refer back when we compress
}

// extension is an element of Sec-WebSocket-Extensions.
type extension struct {
	name   string
	params map[string]string // "" if a parameter has no value
}

// extensions parses the fields of a header. An element with a parameter that is given twice, or that is
// empty, is nothing to agree on, and has the name "".
func extensions(fields []string) (all []extension) {
	for _, element := range split(strings.Join(fields, ","), ',') {
		if element == "" {
			continue // a list may have empty elements: RFC 9110, section 5.6.1
		}
		parts := split(element, ';')
		e := extension{strings.ToLower(parts[0]), map[string]string{}}
		for _, p := range parts[1:] {
			name, value, given := strings.Cut(p, "=")
			name, value = strings.ToLower(strings.TrimSpace(name)), unquote(strings.TrimSpace(value))
			if _, twice := e.params[name]; twice || name == "" || given && value == "" {
				e.name = ""
			}
			e.params[name] = value
		}
		all = append(all, e)
	}
	return all
}

// split cuts s at each sep that is not in quotes, and trims the pieces.
func split(s string, sep byte) (pieces []string) {
	from, quoted := 0, false
	for i := 0; i < len(s); i++ {
		switch {
		case quoted && s[i] == '\\':
			i++
		case s[i] == '"':
			quoted = !quoted
		case s[i] == sep && !quoted:
			pieces = append(pieces, strings.TrimSpace(s[from:i]))
			from = i + 1
		}
	}
	return append(pieces, strings.TrimSpace(s[from:]))
}

// unquote reads a quoted string. Values that we know have nothing to escape.
func unquote(s string) string {
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		return s[1 : len(s)-1]
	}
	return s
}

// deflate reads the parameters of an offer or a response, and reports whether they are valid.
func (e extension) deflate() (window int, ok bool) {
	if e.name != deflateName {
		return 0, false
	}
	window = fullWindow
	for name, value := range e.params {
		switch name {
		case serverNoTakeover, clientNoTakeover:
			if value != "" {
				return 0, false
			}
		case serverWindow, clientWindow:
			if value == "" && name == clientWindow {
				continue // an offer may leave the number to the server
			}
			bits, err := strconv.Atoi(value)
			if err != nil || bits < 8 || bits > 15 || value[0] < '1' || value[0] > '9' {
				return 0, false
			}
			if name == serverWindow {
				window = 1 << bits
			}
		default:
			return 0, false
		}
	}
	return window, true
}

// acceptDeflate answers the first offer that can be met, or none.
func acceptDeflate(offers []string) (response string, window int, ok bool) {
	for _, e := range extensions(offers) {
		if window, ok := e.deflate(); ok {
			response := deflateOffer
			if bits, asked := e.params[serverWindow]; asked {
				response += "; " + serverWindow + "=" + bits
			}
			return response, window, true
		}
	}
	return "", 0, false
}

// checkDeflate looks at a server's response. The window is not limited: that would have to be offered.
func checkDeflate(response []string, offered bool) (deflate bool, err error) {
	all := extensions(response)
	if len(all) == 0 {
		return false, nil
	}
	if len(all) > 1 || !offered {
		return false, handshakeError("the server has chosen extensions that were not offered: %q", response)
	}
	_, ok := all[0].deflate()
	_, fresh := all[0].params[serverNoTakeover]
	if _, limited := all[0].params[clientWindow]; !ok || !fresh || limited {
		return false, handshakeError("the server's answer does not fit the offer: %q", response)
	}
	return true, nil
}
