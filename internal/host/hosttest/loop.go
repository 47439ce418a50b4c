package hosttest

import (
	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/host"
)

// Between puts what wrap returns between a loop and its machine: a Faulty, say.
func Between(wrap func(host.Host) host.Host) corolla.Option {
	return host.Between(wrap).(corolla.Option)
}
