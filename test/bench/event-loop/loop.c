/* See README.md: a loop of epoll_wait(2), with a timerfd for the ticker. */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 2, SINGLES = 5, EVENTS = 64 };

static struct addrinfo *destination;

struct ticker {
	int fd;
	long ticks;
	double gap, last;
};

struct round {
	double total, gap;
	int connected, pending_at_once;
	long ticks_before_first;
};

static double now(void)
{
	struct timespec moment;
	clock_gettime(CLOCK_MONOTONIC, &moment);
	return (double)moment.tv_sec * 1e3 + (double)moment.tv_nsec / 1e6;
}

static void fail(const char *what, int error)
{
	fprintf(stderr, "%s: %s\n", what, strerror(error));
	exit(1);
}

static void watch(int epoll, int fd, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.fd = fd };
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0)
		fail("epoll_ctl", errno);
}

static void measure(struct ticker *ticker)
{
	double moment = now();
	if (moment - ticker->last > ticker->gap)
		ticker->gap = moment - ticker->last;
	ticker->last = moment;
}

/** Returns 1 if the connect is still pending, 0 if it ended with a connection. */
static int start_connect(int *fd)
{
	*fd = socket(destination->ai_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (*fd < 0)
		fail("socket", errno);
	if (connect(*fd, destination->ai_addr, destination->ai_addrlen) == 0)
		return 0;
	if (errno != EINPROGRESS)
		fail("connect", errno);
	return 1;
}

static void check_connected(int fd)
{
	int error = 0;
	socklen_t length = sizeof error;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0)
		error = errno;
	if (error)
		fail("connect", error);
}

static struct round run_round(int count)
{
	struct round round = { .connected = 0 };
	struct ticker ticker = { .fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK) };
	struct itimerspec period = { .it_interval.tv_nsec = 1000000, .it_value.tv_nsec = 1000000 };
	int *sockets = calloc((size_t)count, sizeof *sockets);
	int epoll = epoll_create1(0);
	int pending = 0;
	if (!sockets || epoll < 0 || ticker.fd < 0 || timerfd_settime(ticker.fd, 0, &period, NULL) < 0)
		fail("a round", errno);
	watch(epoll, ticker.fd, EPOLLIN);
	double start = now();
	ticker.last = start;
	for (int i = 0; i < count; i++) {
		if (!start_connect(&sockets[i])) {
			round.connected++;
			continue;
		}
		pending++;
		watch(epoll, sockets[i], EPOLLOUT | EPOLLET);
	}
	round.pending_at_once = pending;
	while (round.connected < count) {
		struct epoll_event events[EVENTS];
		int ready = epoll_wait(epoll, events, EVENTS, -1);
		for (int i = 0; i < ready; i++) {
			uint64_t expirations;
			if (events[i].data.fd != ticker.fd) {
				check_connected(events[i].data.fd);
				if (round.connected++ == 0)
					round.ticks_before_first = ticker.ticks;
			} else if (read(ticker.fd, &expirations, sizeof expirations) > 0) {
				ticker.ticks++;
				measure(&ticker);
			}
		}
	}
	round.total = now() - start;
	measure(&ticker);
	round.gap = ticker.gap;
	for (int i = 0; i < count; i++)
		close(sockets[i]);
	close(ticker.fd);
	close(epoll);
	free(sockets);
	return round;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fprintf(stderr, "usage: loop HOST PORT COUNT\n");
		return 2;
	}
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	if (getaddrinfo(argv[1], argv[2], &hints, &destination) != 0)
		return 1;
	/* The first of all finds the way to the peer. */
	run_round(1);
	double singles[SINGLES];
	for (int i = 0; i < SINGLES; i++)
		singles[i] = run_round(1).total;
	qsort(singles, SINGLES, sizeof *singles, by_value);
	printf("{\"single\": %.3f, \"rounds\": [", singles[SINGLES / 2]);
	for (int i = 0; i < ROUNDS; i++) {
		struct round round = run_round(atoi(argv[3]));
		printf("%s{\"total\": %.3f, \"gap\": %.3f, \"connected\": %d, \"pendingAtOnce\": %d, \"ticksBeforeFirst\": %ld}",
		       i ? ", " : "", round.total, round.gap, round.connected, round.pending_at_once,
		       round.ticks_before_first);
	}
	puts("]}");
	freeaddrinfo(destination);
	return 0;
}
