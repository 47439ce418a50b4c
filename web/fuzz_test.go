package web_test

import "testing"

// FuzzSameAsNetHTTP compares the two servers, whatever is sent and however it is cut.
func FuzzSameAsNetHTTP(f *testing.F) {
	for i, c := range dialogues {
		f.Add([]byte(c.sent), []byte{byte(i), 20, 9}, i%2 == 0, uint64(i%3))
	}
	for i, c := range smuggling {
		f.Add([]byte(c.sent), []byte{}, i%2 == 0, uint64(0))
	}
	f.Fuzz(func(t *testing.T, data, lengths []byte, half bool, seed uint64) {
		if len(data) > 4000 || len(lengths) > 20 {
			return
		}
		compare(t, data, lengths, half, seed)
	})
}
