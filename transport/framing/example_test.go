package framing_test

import (
	"fmt"

	"github.com/corolla-go/corolla/transport/framing"
)

// Bytes come as the network has cut them, and leave as messages.
func ExampleLines() {
	lines := framing.Lines{Max: 80}
	for _, b := range []string{"HELO me\r\nMAIL", " FROM", ":<you>\nDA"} {
		if err := lines.Feed([]byte(b), func(line []byte) error {
			fmt.Printf("%s\n", line)
			return nil
		}); err != nil {
			fmt.Println(err)
		}
	}
	fmt.Printf("waiting: %q\n", lines.Buffered())
	// Output:
	// HELO me
	// MAIL FROM:<you>
	// waiting: "DA"
}

func ExampleNetstrings() {
	b := framing.AppendNetstring(nil, []byte("hello"))
	b = framing.AppendNetstring(b, nil)
	fmt.Printf("%s\n", b)
	var n framing.Netstrings
	show := func(message []byte) error {
		fmt.Printf("%q\n", message)
		return nil
	}
	fmt.Println(n.Feed(b, show))
	fmt.Println(n.Feed([]byte("100000:"), show))
	// Output:
	// 5:hello,0:,
	// "hello"
	// ""
	// <nil>
	// framing: too long: a netstring of more than 99999 bytes
}

func ExamplePrefixed() {
	p := framing.Prefixed{Size: 2}
	b, err := p.Append(nil, []byte("hello"))
	fmt.Printf("%q %v\n", b, err)
	fmt.Println(p.Feed(b, func(message []byte) error {
		fmt.Printf("%q\n", message)
		return nil
	}))
	// Output:
	// "\x00\x05hello" <nil>
	// "hello"
	// <nil>
}
