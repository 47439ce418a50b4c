package websocket_test

import (
	"fmt"
	"strings"
	"testing"
)

// Cases 7: closing.

var reason123 = strings.Repeat("*", 123)

func closings() []testCase {
	all := []testCase{
		{id: "7.1.1", send: []frame{text("Hello"), bye(1000, "")}, want: []frame{text("Hello")}, code: 1000},
		{id: "7.1.2", send: []frame{bye(1000, ""), bye(1000, "")}, code: 1000},
		{id: "7.1.3", send: []frame{bye(1000, ""), ping("too late")}, code: 1000},
		{id: "7.1.4", send: []frame{bye(1000, ""), text("too late")}, code: 1000},
		{id: "7.1.5", send: []frame{begin("fragment1"), bye(1000, ""), last("fragment2")}, code: 1000},
		{
			id: "7.1.6", send: []frame{text(strings.Repeat("BAsd7&jh23", 26<<10)), text("Hello"), bye(1000, ""), ping("too late")},
			want: []frame{text(strings.Repeat("BAsd7&jh23", 26<<10)), text("Hello")}, code: 1000,
		},
		{id: "7.3.1", send: []frame{{fin | 8, ""}}, want: []frame{{fin | 8, ""}}, code: -1},
		{id: "7.3.2", send: []frame{{fin | 8, "a"}}, code: 1002},
		{id: "7.3.3", send: []frame{bye(1000, "")}, code: 1000},
		{id: "7.3.4", send: []frame{bye(1000, "Hello World!")}, code: 1000},
		{id: "7.3.5", send: []frame{bye(1000, reason123)}, code: 1000},
		{id: "7.3.6", send: []frame{bye(1000, reason123+"*")}, code: 1002},
		{id: "7.5.1", send: []frame{bye(1000, invalid)}, code: 1007},
	}
	for _, code := range []int{1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999} {
		all = append(all, testCase{id: fmt.Sprint("7.7 code ", code), send: []frame{bye(code, "")}, code: code})
	}
	for _, code := range []int{0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535} {
		all = append(all, testCase{id: fmt.Sprint("7.9 code ", code), send: []frame{bye(code, "")}, code: 1002})
	}
	return all
}

func TestAutobahnClosing(t *testing.T) { run(t, closings()) }
