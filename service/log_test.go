package service_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/service"
)

// What a tree logs: its parts, with the names on the way to them, and each error once.
func TestTreeLogs(t *testing.T) {
	for name, c := range map[string]struct {
		start, stop error
		want        string
	}{
		"in order": {nil, nil, `
			level=INFO msg=started service=app/a
			level=INFO msg=started service=app/inner/b
			level=INFO msg=started service=app/inner
			level=INFO msg=stopped service=app/inner/b took=0s
			level=INFO msg=stopped service=app/inner took=0s
			level=INFO msg=stopped service=app/a took=0s`},
		"no start": {errLuck, nil, `
			level=INFO msg=started service=app/a
			level=ERROR msg="not started" service=app/inner/b error="bad luck"
			level=INFO msg=stopped service=app/a took=0s`},
		"no stop": {nil, errLuck, `
			level=INFO msg=started service=app/a
			level=INFO msg=started service=app/inner/b
			level=INFO msg=started service=app/inner
			level=ERROR msg="not stopped in order" service=app/inner/b error="bad luck"
			level=INFO msg=stopped service=app/a took=0s`},
	} {
		t.Run(name, func(t *testing.T) {
			onHost(t, true, 1, func(t *testing.T, task *corolla.Task, _ *[]error) {
				var b strings.Builder
				fails := func(err error) func(*corolla.Task) error { return func(*corolla.Task) error { return err } }
				app := service.NewTree("app", service.New("a", nil, nil), service.NewTree("inner", service.New("b", fails(c.start), fails(c.stop))))
				app.Log = logger(&b)
				if err := app.Start(task); !errors.Is(err, c.start) {
					t.Errorf("Start: %v", err)
				}
				if err := app.Stop(task); !errors.Is(err, c.stop) {
					t.Errorf("Stop: %v", err)
				}
				if want := strings.ReplaceAll(strings.TrimSpace(c.want), "\t", "") + "\n"; b.String() != want {
					t.Errorf("logged\n%swant\n%s", &b, want)
				}
			})
		})
	}
}
