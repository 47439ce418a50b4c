package web

import "net/textproto"

// The names of common header fields, which need not be allocated however they are written: load
// generators and proxies send most in lower case.

// commonNames is a hash table whose entries are in a place of their own, or in one of those that follow.
var commonNames = func() (table [256]string) {
	for _, name := range []string{
		"Accept", "Accept-Charset", "Accept-Encoding", "Accept-Language", "Access-Control-Request-Headers",
		"Access-Control-Request-Method", "Authorization", "Cache-Control", "Connection", "Content-Encoding",
		"Content-Length", "Content-Type", "Cookie", "Date", "Dnt", "Expect", "Forwarded", "Host", "If-Match",
		"If-Modified-Since", "If-None-Match", "If-Range", "If-Unmodified-Since", "Keep-Alive", "Origin", "Pragma",
		"Priority", "Range", "Referer", "Sec-Ch-Ua", "Sec-Ch-Ua-Mobile", "Sec-Ch-Ua-Platform", "Sec-Fetch-Dest",
		"Sec-Fetch-Mode", "Sec-Fetch-Site", "Sec-Fetch-User", "Sec-Gpc", "Sec-Websocket-Extensions",
		"Sec-Websocket-Key", "Sec-Websocket-Protocol", "Sec-Websocket-Version", "Te", "Traceparent", "Tracestate",
		"Trailer", "Transfer-Encoding", "Upgrade", "Upgrade-Insecure-Requests", "User-Agent", "Via",
		"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Proto", "X-Real-Ip",
		"X-Request-Id", "X-Requested-With",
	} {
		at := placeOf(name)
		for table[at] != "" {
			at++
		}
		table[at] = name
	}
	return table
}()

// placeOf is where a name is looked for first. Letters count alike in either case.
func placeOf[T string | []byte](name T) uint8 {
	n := len(name)
	return uint8(n) + 5*(name[0]|0x20) + 67*(name[n-1]|0x20) + 29*(name[n/2]|0x20)
}

// commonName returns the canonical form of a name if it is one of the common ones, and otherwise "".
func commonName[T string | []byte](name T) string {
	if len(name) == 0 {
		return ""
	}
	for at := placeOf(name); ; at++ {
		key := commonNames[at]
		if key == "" || string(name) == key || isNamed(name, key) {
			return key
		}
	}
}

// isNamed reports whether a name is a key, but for the case of its letters.
func isNamed[T string | []byte](name T, key string) bool {
	if len(name) != len(key) {
		return false
	}
	for i := range len(name) {
		c, k := name[i], key[i]
		if c != k && (c|0x20 != k|0x20 || k|0x20 < 'a' || k|0x20 > 'z') {
			return false
		}
	}
	return true
}

// canonical is textproto.CanonicalMIMEHeaderKey.
func canonical(name string) string {
	if key := commonName(name); key != "" {
		return key
	}
	return textproto.CanonicalMIMEHeaderKey(name)
}
