/*
 * Many connects, one after another or pending at once: does a program run out of ports, or slow down?
 *
 *   sequential program HOST PORT COUNT    each is closed by the program, at once
 *   sequential peer HOST PORT COUNT       each is closed by the peer, then by the program
 *   sequential pending HOST PORT COUNT    all at once to one that does not answer, until each has failed
 *   sequential given-up HOST PORT COUNT   the same, but closed by the program while all are pending
 *
 * Prints one line of JSON: connects a second in ten slices, or how many were pending and what they ended with.
 */
#define _GNU_SOURCE /* strerrorname_np(3) */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* With SYNS retransmissions a connect ends after 7 s, and not after 127 (tcp(7), TCP_SYNCNT). */
enum { SLICES = 10, EVENTS = 256, ERRNOS = 256, SYNS = 2 };

static struct sockaddr_in destination;

static double now(void)
{
	struct timespec moment;
	clock_gettime(CLOCK_MONOTONIC, &moment);
	return (double)moment.tv_sec + (double)moment.tv_nsec / 1e9;
}

static void fail(const char *what, long number)
{
	fprintf(stderr, "%s %ld: %s\n", what, number, strerror(errno));
	exit(1);
}

static void connect_one(long number, int peer_closes)
{
	char byte;
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	if (fd < 0)
		fail("socket", number);
	if (connect(fd, (struct sockaddr *)&destination, sizeof destination) < 0)
		fail("connect", number);
	if (peer_closes && read(fd, &byte, 1) != 0)
		fail("the end of connection", number);
	close(fd);
}

static void sequential(long count, int peer_closes)
{
	printf("{\"perSecond\": [");
	for (int slice = 0; slice < SLICES; slice++) {
		long from = count * slice / SLICES, to = count * (slice + 1) / SLICES;
		double start = now();
		for (long i = from; i < to; i++)
			connect_one(i, peer_closes);
		printf("%s%.0f", slice ? ", " : "", (double)(to - from) / (now() - start));
		fflush(stdout);
	}
	printf("], \"connected\": %ld}\n", count);
}

static void allow_descriptors(long count)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		fail("getrlimit", count);
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur < (rlim_t)count + 64)
		fail("a limit of descriptors for", count);
}

/** Starts them all; each has to be pending. */
static void start_all(int epoll, int *fds, long count)
{
	for (long i = 0; i < count; i++) {
		struct epoll_event event = { .events = EPOLLOUT | EPOLLET, .data.fd = (int)i };
		fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		int syns = SYNS;
		if (fds[i] < 0 || setsockopt(fds[i], IPPROTO_TCP, TCP_SYNCNT, &syns, sizeof syns) < 0)
			fail("socket", i);
		if (connect(fds[i], (struct sockaddr *)&destination, sizeof destination) == 0 || errno != EINPROGRESS)
			fail("connect", i);
		if (epoll_ctl(epoll, EPOLL_CTL_ADD, fds[i], &event) < 0)
			fail("epoll_ctl", i);
	}
}

static void pending(long count, int give_up)
{
	struct epoll_event events[EVENTS];
	long ended_with[ERRNOS] = { 0 };
	long ended = 0;
	int epoll = epoll_create1(0);
	int *fds = calloc((size_t)count, sizeof *fds);
	if (epoll < 0 || !fds)
		fail("pending", count);
	allow_descriptors(count);
	double start = now();
	start_all(epoll, fds, count);
	double started = now() - start;
	/* What has an event by now is not pending any more. */
	int early = epoll_wait(epoll, events, EVENTS, 0);
	printf("{\"pending\": %ld, \"early\": %d, \"startMs\": %.0f", count, early, started * 1e3);
	while (!give_up && ended < count) {
		for (int i = 0; i < early; i++) {
			int error = 0;
			socklen_t length = sizeof error;
			int fd = fds[events[i].data.fd];
			if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0 || error >= ERRNOS)
				fail("SO_ERROR", ended);
			ended_with[error]++;
			ended++;
			close(fd);
		}
		early = ended < count ? epoll_wait(epoll, events, EVENTS, -1) : 0;
	}
	for (long i = 0; give_up && i < count; i++)
		close(fds[i]);
	printf(", \"endedMs\": %.0f, \"ended\": {", (now() - start) * 1e3);
	int shown = 0;
	for (int error = 0; error < ERRNOS; error++)
		if (ended_with[error])
			printf("%s\"%s\": %ld", shown++ ? ", " : "", error ? strerrorname_np(error) : "connected",
			       ended_with[error]);
	puts("}}");
	free(fds);
	close(epoll);
}

int main(int argc, char **argv)
{
	if (argc != 5 || inet_pton(AF_INET, argv[2], &destination.sin_addr) != 1) {
		fprintf(stderr, "usage: sequential program|peer|pending|given-up ADDRESS PORT COUNT\n");
		return 2;
	}
	destination.sin_family = AF_INET;
	destination.sin_port = htons((uint16_t)atoi(argv[3]));
	long count = atol(argv[4]);
	if (strcmp(argv[1], "program") == 0)
		sequential(count, 0);
	else if (strcmp(argv[1], "peer") == 0)
		sequential(count, 1);
	else if (strcmp(argv[1], "pending") == 0)
		pending(count, 0);
	else if (strcmp(argv[1], "given-up") == 0)
		pending(count, 1);
	else
		return 2;
	return 0;
}
