/*
 * hooks: what calls cost that are not the library's business. Prints one line a call: its name and the nanoseconds, the
 * median of many short series, so that two processes that run by turns can be compared.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { SERIES = 201, CALLS = 100 };

static int listener, connected, pipes[2], opened[CALLS], accepted[CALLS];
static struct sockaddr_in there = { .sin_family = AF_INET };

static void open_sockets(void)
{
	for (int i = 0; i < CALLS; i++)
		opened[i] = socket(AF_INET, SOCK_DGRAM, 0);
}

static void close_sockets(void)
{
	for (int i = 0; i < CALLS; i++)
		close(opened[i]);
}

static void nothing(void)
{
}

static void connects(void)
{
	for (int i = 0; i < CALLS; i++)
		connect(opened[i], (struct sockaddr *)&there, sizeof there);
}

static void duplicates(void)
{
	for (int i = 0; i < CALLS; i++)
		dup2(connected, opened[i]);
}

static void bytes(void)
{
	char byte = 0;
	for (int i = 0; i < CALLS; i++)
		if (write(pipes[1], &byte, 1) != 1 || read(pipes[0], &byte, 1) != 1)
			exit(1);
}

static void peers(void)
{
	struct sockaddr_in peer;
	for (int i = 0; i < CALLS; i++) {
		socklen_t length = sizeof peer;
		getpeername(connected, (struct sockaddr *)&peer, &length);
	}
}

static void connect_all(void)
{
	for (int i = 0; i < CALLS; i++) {
		opened[i] = socket(AF_INET, SOCK_STREAM, 0);
		if (connect(opened[i], (struct sockaddr *)&there, sizeof there) < 0)
			exit(1);
	}
}

static void accept_all(void)
{
	struct sockaddr_in peer;
	for (int i = 0; i < CALLS; i++) {
		socklen_t length = sizeof peer;
		accepted[i] = accept(listener, (struct sockaddr *)&peer, &length);
	}
}

static void close_all(void)
{
	for (int i = 0; i < CALLS; i++) {
		/* By a reset: no pair of ports stays behind in TIME_WAIT. */
		struct linger now = { 1, 0 };
		setsockopt(opened[i], SOL_SOCKET, SO_LINGER, &now, sizeof now);
		close(opened[i]);
		close(accepted[i]);
	}
}

static const struct {
	const char *name;
	void (*before)(void), (*run)(void), (*after)(void);
} calls[] = {
	{ "connect", open_sockets, connects, close_sockets },
	{ "close", open_sockets, close_sockets, nothing },
	{ "dup2", open_sockets, duplicates, close_sockets },
	{ "write+read", nothing, bytes, nothing },
	{ "getpeername", nothing, peers, nothing },
	{ "accept", connect_all, accept_all, close_all },
};

static double now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;
	return (left > right) - (left < right);
}

int main(void)
{
	double costs[SERIES];
	socklen_t length = sizeof there;
	listener = socket(AF_INET, SOCK_STREAM, 0);
	connected = socket(AF_INET, SOCK_STREAM, 0);
	there.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(listener, (struct sockaddr *)&there, length) < 0 || listen(listener, CALLS) < 0 ||
	    getsockname(listener, (struct sockaddr *)&there, &length) < 0 ||
	    connect(connected, (struct sockaddr *)&there, length) < 0 || pipe(pipes) < 0)
		return 1;
	for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
		for (int series = 0; series < SERIES; series++) {
			calls[i].before();
			double start = now();
			calls[i].run();
			costs[series] = (now() - start) / CALLS;
			calls[i].after();
		}
		qsort(costs, SERIES, sizeof costs[0], compare);
		printf("%s %.0f\n", calls[i].name, costs[SERIES / 2]);
	}
	return 0;
}
