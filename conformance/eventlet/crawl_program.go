package eventlet

import (
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/green"
)

// crawl_program.txt is the site that both crawl.
//
//go:embed crawl_program.txt
var site string

const (
	crawlLimit = 30 * ms
	crawlPause = 7 * ms
	crawlDepth = 3
)

var (
	errBroken = errors.New("broken")
	errGone   = errors.New("gone")
)

type page struct {
	url, kind string
	takes     time.Duration
	links     []string
	fetched   int
}

func parsePage(line string) *page {
	f := strings.Fields(line)
	n, _ := strconv.Atoi(f[1])
	return &page{url: f[0], kind: f[2], takes: time.Duration(n) * ms, links: f[3:]}
}

func (p *page) fetch(r run) error {
	p.fetched++
	r.Sleep(p.takes)
	switch {
	case p.kind == "gone":
		return errGone
	case p.kind == "flaky" && p.fetched == 1:
		return errBroken
	}
	return nil
}

type link struct {
	url   string
	depth int
}

type crawler struct {
	run
	site    map[string]*page
	pool    *green.Pool
	found   *corolla.Queue[link]
	seen    map[string]bool
	results map[string]string
}

func (c *crawler) visit(l link) error {
	p := c.site[l.url]
	result := "broken"
	for range 2 {
		err := c.Timeout(crawlLimit, func() error { return p.fetch(c.run) })
		if errors.Is(err, errBroken) {
			c.Say("%s broke", l.url)
			c.Sleep(crawlPause)
			continue
		}
		var late *corolla.TimeoutError
		switch {
		case errors.As(err, &late):
			result = "too slow"
		case err != nil:
			result = err.Error()
		default:
			result = fmt.Sprintf("%d links", len(p.links))
			for _, to := range p.links {
				if err := c.found.TryPut(link{to, l.depth + 1}); err != nil {
					return err
				}
			}
		}
		break
	}
	c.results[l.url] = result
	c.Say("%s: %s", l.url, result)
	return nil
}

func (c *crawler) report() error {
	for {
		c.Sleep(20500 * time.Microsecond)
		c.Say("%d of %d done, %d at work", len(c.results), len(c.seen), c.pool.Stats().Running)
	}
}

func (c *crawler) crawl(start string) error {
	reporter := c.Go(c.report)
	if err := c.found.TryPut(link{start, 0}); err != nil {
		return err
	}
	for {
		for c.found.Len() > 0 {
			l, err := c.found.TryGet()
			if err != nil {
				return err
			}
			if c.seen[l.url] || l.depth > crawlDepth {
				continue
			}
			c.seen[l.url] = true
			c.pool.Go(func() error { return c.visit(l) })
		}
		if c.pool.Stats().Running == 0 {
			break
		}
		c.Sleep(ms)
	}
	reporter.Kill(nil)
	for _, url := range slices.Sorted(maps.Keys(c.results)) {
		c.Say("result %s: %s", url, c.results[url])
	}
	return nil
}

func crawlProgram(r run) error {
	c := &crawler{
		run: r, site: map[string]*page{}, pool: green.NewPool(r.Hub, 3), found: corolla.NewQueue[link](-1),
		seen: map[string]bool{}, results: map[string]string{},
	}
	for line := range strings.Lines(site) {
		p := parsePage(line)
		c.site[p.url] = p
	}
	err := c.crawl("/")
	r.Say("done")
	return err
}
