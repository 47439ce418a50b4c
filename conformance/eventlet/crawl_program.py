"""A program: a crawler of a site, which is a file here. Three fetch at a time, each with a limit of time.

A page that breaks is tried once more, after a pause; one that is gone is not. Links are followed to a depth,
each page once, and a reporter says how far it is while there is work.
"""

import pathlib

import eventlet
from eventlet.queue import Queue
from trace import say

LIMIT, PAUSE, DEPTH = 0.030, 0.007, 3


class Broken(Exception):
    pass


class Gone(Exception):
    pass


class Page:
    def __init__(self, line):
        self.url, ms, self.kind, *self.links = line.split()
        self.takes = int(ms) / 1000
        self.fetched = 0

    def fetch(self):
        self.fetched += 1
        eventlet.sleep(self.takes)
        if self.kind == "gone":
            raise Gone()
        if self.kind == "flaky" and self.fetched == 1:
            raise Broken()
        return self.links


class Crawler:
    def __init__(self, site):
        self.site = site
        self.pool = eventlet.GreenPool(3)
        self.found = Queue()
        self.seen = set()
        self.results = {}

    def visit(self, url, depth):
        page = self.site[url]
        for attempt in 1, 2:
            try:
                with eventlet.Timeout(LIMIT):
                    links = page.fetch()
            except Broken:
                say(f"{url} broke")
                eventlet.sleep(PAUSE)
                continue
            except Gone:
                self.results[url] = "gone"
            except eventlet.Timeout:
                self.results[url] = "too slow"
            else:
                self.results[url] = f"{len(links)} links"
                for link in links:
                    self.found.put((link, depth + 1))
            break
        else:
            self.results[url] = "broken"
        say(f"{url}: {self.results[url]}")

    def report(self):
        while True:
            eventlet.sleep(0.0205)
            say(f"{len(self.results)} of {len(self.seen)} done, {self.pool.running()} at work")

    def crawl(self, start):
        reporter = eventlet.spawn(self.report)
        self.found.put((start, 0))
        while True:
            while not self.found.empty():
                url, depth = self.found.get()
                if url in self.seen or depth > DEPTH:
                    continue
                self.seen.add(url)
                self.pool.spawn(self.visit, url, depth)
            if self.pool.running() == 0:
                break
            eventlet.sleep(0.001)
        reporter.kill()
        for url in sorted(self.results):
            say(f"result {url}: {self.results[url]}")


lines = pathlib.Path("crawl_program.txt").read_text().splitlines()
Crawler({p.url: p for p in map(Page, lines)}).crawl("/")
say("done")
