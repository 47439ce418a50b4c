package hosttest

import (
	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/host"
)

// Between puts the Host that wrap returns, such as a Faulty, between a loop and its machine.
func Between(wrap func(host.Host) host.Host) corolla.Option {
	return host.Between(wrap).(corolla.Option)
}
