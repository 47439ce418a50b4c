// Package service makes a program of parts that start in order and stop in reverse, and has the client
// that comes back when its connection is lost.
//
//	corolla.Main(func(t *corolla.Task) error {
//		feed := service.NewClient(t.Loop(), "feed", connect)
//		app := service.NewTree("app",
//			feed,
//			service.NewServer("web", service.At("tcp:8080"), build),
//			service.NewTimer("purge", time.Minute, purge),
//		)
//		return app.Run(t)
//	})
//
// A Service is anything that starts and stops, such as a Tree of others. New makes one of two functions,
// NewTask of a function that works until it is told to end, NewTimer, NewServer and NewTaskServer of what
// their names say.
//
// Run starts the parts of a Tree, one after the other, and waits. When its task is canceled, which
// corolla.Main does at SIGTERM and SIGINT, when Quit is called, or when a part fails, it stops them in
// reverse, and waits for each to end before it stops the next. If one fails to start, those before it are
// stopped. Errors name the part: "stop app/web: …".
//
// Everything here belongs to its loop's goroutine. (After twisted.application.)
package service
