// Step 11 shows the same people on a web page.
package main

import (
	"html/template"
	"log/slog"
	"net/http"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/service"
	"github.com/corolla-go/corolla/web"
)

func main() {
	corolla.Main(func(t *corolla.Task) error {
		people := users{"ada": "counting", "alan": "out for a run"}
		page := newPage(people, func(l *corolla.Loop) (*aio.Listener, error) { return aio.Listen(l, "tcp", ":8080") })
		app := service.NewTree("finger", page)
		app.Log = slog.Default()
		return app.Run(t)
	})
}

// users maps names to what people say of themselves.
type users map[string]string

var html = template.Must(template.New("").Parse(`<!DOCTYPE html>
<title>Who is up to what</title>
<h1>Who is up to what</h1>
<dl>{{range $name, $status := .}}
<dt>{{$name}}</dt><dd>{{$status}}</dd>{{end}}
</dl>
`))

// newPage serves a page. Its handlers run on the loop, one at a time, as everything else here. When it is
// stopped, those that have begun finish.
func newPage(people users, listen func(l *corolla.Loop) (*aio.Listener, error)) *service.Unit {
	srv := &web.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_ = html.Execute(w, people) // an error means that nobody reads it any more
	})}
	return service.NewTask("page", func(t *corolla.Task, ready func()) error {
		ln, err := listen(t.Loop())
		if err != nil {
			return err
		}
		ready()
		return srv.Serve(t, ln)
	}, service.StopWith(srv.Shutdown, http.ErrServerClosed))
}
