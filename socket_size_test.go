package corolla_test

import (
	"testing"
	"unsafe"

	"github.com/corolla-go/corolla"
)

// What every connection has, be it idle, is there a hundred thousand times: it grows only on purpose.
func TestIdleConnectionsStaySmall(t *testing.T) {
	if unsafe.Sizeof(uintptr(0)) != 8 {
		t.Skip("the sizes are those of 64 bits")
	}
	if n := unsafe.Sizeof(corolla.Socket{}); n > 192 {
		t.Errorf("a Socket has %d bytes", n)
	}
	if n := unsafe.Sizeof(corolla.Outbox{}); n > 136 {
		t.Errorf("an Outbox has %d bytes", n)
	}
}
