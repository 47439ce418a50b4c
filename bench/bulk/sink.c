//go:build ignore

// The measure of the others: a receiver in C that reads one connection to its end and says how
// much came. Go compiles this file when the comparison runs, and the line at the top keeps Go's
// own tool from taking it for a part of the package.
//
// It waits with epoll and reads with a socket that does not block, as a server of many connections
// has to. The buffer begins with a page, as Go's large allocations do: the kernel copies to others
// at less than half the speed on some processors, and that would be all that is compared.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BUFFER = 65536 }; // as the other receivers have it

static char buffer[BUFFER] __attribute__((aligned(4096)));

static void die(const char *what)
{
	perror(what);
	exit(1);
}

int main(void)
{
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof a;
	if (listener < 0 || bind(listener, (struct sockaddr *)&a, len) < 0 || listen(listener, 1) < 0 ||
	    getsockname(listener, (struct sockaddr *)&a, &len) < 0)
		die("listen");
	printf("127.0.0.1:%d\n", ntohs(a.sin_port));
	fflush(stdout);
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK), poll = epoll_create1(0);
	struct epoll_event ev = {.events = EPOLLIN};
	if (fd < 0 || poll < 0 || epoll_ctl(poll, EPOLL_CTL_ADD, fd, &ev) < 0)
		die("accept");
	long long total = 0;
	ssize_t n = 1;
	while (n > 0 && epoll_wait(poll, &ev, 1, -1) > 0) // level-triggered: there is something
		if ((n = read(fd, buffer, BUFFER)) > 0)
			total += n;
	if (n < 0)
		die("read");
	printf("%lld\n", total);
	fflush(stdout);
	pause(); // a process that has ended has no clock to read
	return 0;
}
