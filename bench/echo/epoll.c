//go:build ignore

// The measure of the others: an echo server in C, one thread, epoll, with the fewest system
// calls that epoll allows. Go compiles this file when the comparison runs, and the line at the
// top keeps Go's own tool from taking it for a part of the package.
//
// Edge-triggered, so that nothing is ever registered again. A read that is shorter than the
// buffer has drained the socket, so no second read has to find that out; but once the peer has
// hung up no further edge will come, and then it reads to the end.
//
// What a client does not take at once is kept until it does, and nothing is read from that
// client meanwhile.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BUFFER = 65536, EVENTS = 512 };

struct conn {
	int fd;
	int hangup;     // no further edge will come for reading
	char *unsent;   // NULL while all was sent
	size_t at, len; // what of it is unsent
};

static int ep;
static char buffer[BUFFER];

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void drop(struct conn *c)
{
	close(c->fd); // leaves the epoll by itself
	free(c->unsent);
	free(c);
}

// keep copies what the socket did not take.
static int keep(struct conn *c, const char *b, size_t n)
{
	c->unsent = malloc(n);
	if (c->unsent == NULL)
		return -1;
	memcpy(c->unsent, b, n);
	c->at = 0;
	c->len = n;
	return 0;
}

// flush sends what is unsent: 1 if that is all, 0 if some is left, -1 on failure.
static int flush(struct conn *c)
{
	while (c->at < c->len) {
		ssize_t n = write(c->fd, c->unsent + c->at, c->len - c->at);
		if (n < 0)
			return errno == EAGAIN ? 0 : -1;
		c->at += n;
	}
	free(c->unsent);
	c->unsent = NULL;
	return 1;
}

// echo reads and writes until the socket is drained or takes no more: -1 at the end.
static int echo(struct conn *c)
{
	for (;;) {
		ssize_t n = read(c->fd, buffer, BUFFER);
		if (n < 0)
			return errno == EAGAIN ? 0 : -1;
		if (n == 0)
			return -1;
		ssize_t sent = write(c->fd, buffer, n);
		if (sent < 0 && errno != EAGAIN)
			return -1;
		if (sent < n) {
			size_t done = sent < 0 ? 0 : sent;
			return keep(c, buffer + done, n - done);
		}
		if (n < BUFFER && !c->hangup)
			return 0;
	}
}

static void serve(struct conn *c, unsigned events)
{
	if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		c->hangup = 1;
	int flushed = c->unsent == NULL ? 1 : flush(c);
	if (flushed < 0 || (flushed && echo(c) < 0))
		drop(c);
}

static void take(int listener)
{
	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0) {
			if (errno == EAGAIN)
				return;
			die("accept4");
		}
		int one = 1;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
		struct conn *c = calloc(1, sizeof *c);
		if (c == NULL)
			die("calloc");
		c->fd = fd;
		struct epoll_event e = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = c};
		if (epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e) < 0)
			die("epoll_ctl");
	}
}

static int listen_anywhere(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof a;
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, len) < 0 || listen(fd, SOMAXCONN) < 0 ||
	    getsockname(fd, (struct sockaddr *)&a, &len) < 0)
		die("listen");
	printf("127.0.0.1:%d\n", ntohs(a.sin_port));
	fflush(stdout);
	return fd;
}

int main(void)
{
	static struct epoll_event events[EVENTS];
	ep = epoll_create1(EPOLL_CLOEXEC);
	int listener = listen_anywhere();
	struct epoll_event e = {.events = EPOLLIN, .data.ptr = NULL};
	if (ep < 0 || epoll_ctl(ep, EPOLL_CTL_ADD, listener, &e) < 0)
		die("epoll");
	for (;;) {
		int n = epoll_wait(ep, events, EVENTS, -1);
		if (n < 0 && errno != EINTR)
			die("epoll_wait");
		for (int i = 0; i < n; i++) {
			if (events[i].data.ptr == NULL)
				take(listener);
			else
				serve(events[i].data.ptr, events[i].events);
		}
	}
}
