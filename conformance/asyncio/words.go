package asyncio

import (
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/transport"
)

const ms = time.Millisecond

// errBad is the error of whatever fails without a reason that matters.
var errBad = errors.New("bad")

// word is the word for how something ended.
func word(err error) string {
	var panicked *corolla.PanicError
	switch {
	case err == nil:
		return "done"
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "timeout"
	case errors.Is(err, corolla.ErrCanceled):
		return "canceled"
	case errors.As(err, &panicked):
		return fmt.Sprint(panicked.Value)
	case errors.Is(err, transport.ErrAborted):
		return "aborted"
	case errors.Is(err, net.ErrClosed):
		return "closed"
	case errors.Is(err, syscall.ECONNRESET):
		return "reset"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused"
	}
	return err.Error()
}

// outcome is a value, or the word for an error.
func outcome[T any](v T, err error) string {
	if _, none := any(v).(struct{}); none || err != nil {
		return word(err)
	}
	return fmt.Sprint(v)
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// refused is how something ended that may only succeed or be refused.
func refused(err error) string {
	if err != nil {
		return "refused"
	}
	return "done"
}

// try is the error that f panics with, for misuse that asyncio answers with an exception.
func try(f func()) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v", v)
		}
	}()
	f()
	return nil
}
