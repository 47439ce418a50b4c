package host

import (
	"os"
	"os/signal"
	"sync"
)

// startGoroutine is the Start of every real host.
func startGoroutine(job func()) { go job() }

// notify is the Notify of every real host.
func notify(deliver func(os.Signal), sigs ...os.Signal) (stop func()) {
	ch := make(chan os.Signal, 8)
	quit := make(chan struct{})
	signal.Notify(ch, sigs...)
	go func() {
		for {
			select {
			case sig := <-ch:
				deliver(sig)
			case <-quit:
				return
			}
		}
	}()
	return sync.OnceFunc(func() {
		signal.Stop(ch)
		close(quit)
	})
}
