/*
 * A plain client that measures what a program sees: connects, round trips, throughput.
 *
 *   client connect|parallel|rtt|up|down|closing|closed HOST PORT AMOUNT
 *
 * connect: AMOUNT connects one after another; prints their median in microseconds.
 * parallel: AMOUNT connects by 50 threads; prints connects a second.
 * rtt: AMOUNT round trips of 64 bytes; prints their median in microseconds.
 * up, down: AMOUNT megabytes one way; prints Mbit/s.
 * closing, closed: AMOUNT connects one after another, which the client closes first, or an HTTP server; prints the
 *   microseconds of a connect: median of the first tenth, median of the last, 99th percentile, slowest.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { THREADS = 50, MESSAGE = 64, BLOCK = 256 * 1024 };

static struct sockaddr_in destination;
static long amount;

static double now_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static void fail(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(1);
}

static int dial(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	if (fd < 0)
		fail("socket");
	if (connect(fd, (struct sockaddr *)&destination, sizeof destination) < 0)
		fail("connect");
	int on = 1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	return fd;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static double median(double *values, long count)
{
	qsort(values, (size_t)count, sizeof *values, by_value);
	return values[count / 2];
}

static double connects(void)
{
	double *took = calloc((size_t)amount, sizeof *took);
	for (long i = 0; i < amount; i++) {
		double start = now_us();
		int fd = dial();
		took[i] = now_us() - start;
		close(fd);
	}
	return median(took, amount);
}

/** Waits for the peer's close: only then is the end that waits out TIME_WAIT (RFC 9293, section 3.6) the peer's. */
static void be_closed(int fd)
{
	static const char request[] = "GET / HTTP/1.0\r\n\r\n";
	char block[4096];
	if (send(fd, request, sizeof request - 1, 0) != (ssize_t)(sizeof request - 1))
		fail("send");
	ssize_t got;
	while ((got = recv(fd, block, sizeof block, 0)) > 0)
		;
	if (got < 0)
		fail("recv");
}

static void many_connects(int peer_closes)
{
	double *took = calloc((size_t)amount, sizeof *took);
	long tenth = amount / 10;
	for (long i = 0; i < amount; i++) {
		double start = now_us();
		int fd = dial();
		took[i] = now_us() - start;
		if (peer_closes)
			be_closed(fd);
		close(fd);
	}
	double first = median(took, tenth);
	double last = median(took + amount - tenth, tenth);
	median(took, amount);
	printf("%.0f %.0f %.0f %.0f\n", first, last, took[amount - 1 - amount / 100], took[amount - 1]);
}

static void *dial_share(void *unused)
{
	(void)unused;
	for (long i = 0; i < amount / THREADS; i++)
		close(dial());
	return NULL;
}

static double parallel_connects(void)
{
	pthread_t threads[THREADS];
	double start = now_us();
	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, dial_share, NULL) != 0)
			fail("pthread_create");
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	return (double)(amount / THREADS * THREADS) / ((now_us() - start) / 1e6);
}

static void receive_exactly(int fd, char *buffer, size_t length)
{
	while (length > 0) {
		ssize_t got = recv(fd, buffer, length, 0);
		if (got <= 0)
			fail("recv");
		buffer += got;
		length -= (size_t)got;
	}
}

static double round_trips(void)
{
	char message[MESSAGE] = { 0 };
	double *took = calloc((size_t)amount, sizeof *took);
	int fd = dial();
	for (long i = 0; i < amount; i++) {
		double start = now_us();
		if (send(fd, message, sizeof message, 0) != sizeof message)
			fail("send");
		receive_exactly(fd, message, sizeof message);
		took[i] = now_us() - start;
	}
	return median(took, amount);
}

static double throughput(int up)
{
	static char block[BLOCK];
	long long left = (long long)amount * 1000000;
	long long total = left;
	int fd = dial();
	double start = now_us();
	while (left > 0) {
		ssize_t done = up ? send(fd, block, BLOCK, 0) : recv(fd, block, BLOCK, 0);
		if (done <= 0)
			fail(up ? "send" : "recv");
		left -= done;
	}
	if (up) {
		/* Not before the peer has it all: the discard server closes when we have. */
		shutdown(fd, SHUT_WR);
		while (recv(fd, block, BLOCK, 0) > 0)
			;
	}
	return (double)total * 8 / (now_us() - start);
}

int main(int argc, char **argv)
{
	if (argc != 5) {
		fprintf(stderr, "usage: client connect|parallel|rtt|up|down|closing|closed HOST PORT AMOUNT\n");
		return 2;
	}
	destination.sin_family = AF_INET;
	destination.sin_port = htons((uint16_t)atoi(argv[3]));
	if (inet_pton(AF_INET, argv[2], &destination.sin_addr) != 1)
		return 2;
	amount = atol(argv[4]);
	int many = strcmp(argv[1], "closing") == 0 || strcmp(argv[1], "closed") == 0;
	if (amount < (many ? 10 : 1))
		return 2;
	/* Not measured: the first connect also finds the way to the peer. */
	close(dial());
	if (many) {
		many_connects(strcmp(argv[1], "closed") == 0);
		return 0;
	}
	double result;
	if (strcmp(argv[1], "connect") == 0)
		result = connects();
	else if (strcmp(argv[1], "parallel") == 0)
		result = parallel_connects();
	else if (strcmp(argv[1], "rtt") == 0)
		result = round_trips();
	else if (strcmp(argv[1], "up") == 0)
		result = throughput(1);
	else if (strcmp(argv[1], "down") == 0)
		result = throughput(0);
	else
		return 2;
	printf("%.3f\n", result);
	return 0;
}
