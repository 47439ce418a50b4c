package main

import (
	"html/template"
	"net/http"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/service"
	"github.com/corolla-go/corolla/web"
)

var html = template.Must(template.New("").Parse(`<!DOCTYPE html>
<title>Who is up to what</title>
<h1>Who is up to what</h1>
<dl>{{range $name, $status := .}}
<dt>{{$name}}</dt><dd>{{$status}}</dd>{{end}}
</dl>
`))

// page serves a page. Its handlers run on the loop, one at a time, as everything else here. When it is
// stopped, those that have begun finish.
type page struct {
	*service.Unit
	ln *aio.Listener
}

func newPage(p *people, address string) *page {
	srv := &web.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_ = html.Execute(w, p.status) // an error means that nobody reads it any more
	})}
	pg := &page{}
	pg.Unit = service.NewTask("page", func(t *corolla.Task, ready func()) (err error) {
		if pg.ln, err = aio.Listen(t.Loop(), "tcp", address); err != nil {
			return err
		}
		ready()
		return srv.Serve(t, pg.ln)
	}, service.StopWith(srv.Shutdown, http.ErrServerClosed))
	return pg
}
