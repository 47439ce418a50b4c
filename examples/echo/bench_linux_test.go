package echo_test

import (
	"net"
	"runtime"
	"syscall"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/leaktest"
)

// BenchmarkIdle tells what the process holds for each of 1,000 connections that have had an
// answer and idle since. (make bench-idle, in bench/, does it with 15,000 and others beside.)
func BenchmarkIdle(b *testing.B) {
	const conns = 1000
	for _, m := range models {
		b.Run(m.name, func(b *testing.B) {
			for range b.N {
				l, err := corolla.New()
				leaktest.NeedLoop(b, err)
				addr, err := m.serve(l, "127.0.0.1:0")
				if err != nil {
					b.Fatal(err)
				}
				settle(b, l)
				before := live()
				var clients []int // descriptors alone, for they are not what is measured
				for range conns {
					clients = append(clients, dialBare(b, addr))
				}
				settle(b, l)
				for _, fd := range clients {
					if _, err := syscall.Write(fd, make([]byte, 64)); err != nil {
						b.Fatal(err)
					}
				}
				settle(b, l)
				b.ReportMetric(float64(live()-before)/conns, "B/conn")
				for _, fd := range clients {
					_ = syscall.Close(fd)
				}
				settle(b, l)
				if err := l.Close(); err != nil {
					b.Error(err)
				}
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

// settle runs a loop until it has had nothing to do for some turns.
func settle(b *testing.B, l *corolla.Loop) {
	for range 200 {
		l.Stop()
		if err := l.RunForever(); err != nil {
			b.Fatal(err)
		}
	}
}

func live() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}

func dialBare(b *testing.B, addr net.Addr) int {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err == nil {
		err = syscall.Connect(fd, &syscall.SockaddrInet4{Port: addr.(*net.TCPAddr).Port, Addr: [4]byte{127, 0, 0, 1}})
	}
	if err != nil {
		b.Fatal(err)
	}
	return fd
}

// BenchmarkBulk sends 64 KiB at a time, and takes them back as they come.
func BenchmarkBulk(b *testing.B) {
	for _, m := range models {
		b.Run(m.name, func(b *testing.B) {
			l, err := corolla.New(corolla.SlowLimit(0))
			leaktest.NeedLoop(b, err)
			defer l.Close()
			addr, err := m.serve(l, "127.0.0.1:0")
			if err != nil {
				b.Fatal(err)
			}
			bulk(b, l, addr.String())
		})
	}
}

func bulk(b *testing.B, l *corolla.Loop, addr string) {
	block := make([]byte, 64<<10)
	b.SetBytes(int64(len(block)))
	l.Dial("tcp", addr).OnDone(func(f *corolla.Future[*corolla.Socket]) {
		s, err := f.Result()
		if err != nil {
			b.Error(err)
			l.Stop()
			return
		}
		toSend, toGet := b.N*len(block), b.N*len(block)
		in := make([]byte, len(block))
		send := func() {
			if toSend > 0 {
				n, _ := s.TryWrite(block[:min(len(block), toSend)])
				toSend -= n
			}
			if toSend == 0 {
				s.OnWritable(nil)
			}
		}
		s.OnReadable(func() {
			n, err := s.TryRead(in)
			if err != nil && err != corolla.ErrWouldBlock {
				b.Error(err)
				l.Stop()
			}
			if toGet -= n; toGet == 0 {
				l.Stop()
			}
		})
		b.ReportAllocs()
		b.ResetTimer()
		s.OnWritable(send)
	})
	if err := l.RunForever(); err != nil {
		b.Error(err)
	}
	b.StopTimer()
}
