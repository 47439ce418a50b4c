package web_test

import (
	"bytes"
	"net/textproto"
	"strings"
	"testing"

	"github.com/corolla-go/corolla/web"
)

func TestCommonNamesAreCanonicalHoweverTheyAreWritten(t *testing.T) {
	for _, key := range web.CommonNames() {
		if key != textproto.CanonicalMIMEHeaderKey(key) {
			t.Errorf("%q is not in its canonical form", key)
		}
		for _, name := range []string{key, strings.ToLower(key), strings.ToUpper(key)} {
			if got := web.CommonName([]byte(name)); got != key {
				t.Errorf("%q is taken for %q", name, got)
			}
			for i := range len(name) { // no other character stands for a letter, nor for a hyphen
				other := bytes.Clone([]byte(name))
				other[i] ^= 0x20
				if got := web.CommonName(other); got != "" && !strings.EqualFold(string(other), got) {
					t.Errorf("%q is taken for %q", other, got)
				}
			}
		}
	}
}
