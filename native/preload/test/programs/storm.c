/*
 * storm HOST HOST PORT BADPORT NAME THREADS SECONDS ROUNDS: threads that connect, duplicate, close, look up and fork, under a
 * signal every millisecond. Each errno is the one that the call would have had alone. It ends after SECONDS, or ROUNDS each.
 */
#include "observe.h"

#include <netdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/time.h>
#include <time.h>

enum { THREADS_MAX = 64 };

static const char *hosts[2], *port, *bad_port, *name;
static int rounds;
static time_t end;
static _Atomic int failures, signals;

static void handler(int number)
{
	(void)number;
	atomic_fetch_add_explicit(&signals, 1, memory_order_relaxed);
}

static time_t now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec;
}

/* Says on stderr what was wrong, which the test wants empty. */
static void expect(int right, const char *what)
{
	int error = errno;
	if (right)
		return;
	if (atomic_fetch_add(&failures, 1) < 10)
		fprintf(stderr, "%s: %s\n", what, error_name(error));
}

static void finish(int fd)
{
	struct pollfd ready = { .fd = fd, .events = POLLOUT };
	while (poll(&ready, 1, 20000) < 0 && errno == EINTR)
		;
}

static void echo(int fd)
{
	char there[4] = "ping", back[4] = "";
	expect(write(fd, there, sizeof there) == 4, "write()");
	finish(fd);
	ssize_t got;
	while ((got = recv(fd, back, sizeof back, MSG_WAITALL)) < 0 && (errno == EINTR || errno == EAGAIN)) {
		struct pollfd ready = { .fd = fd, .events = POLLIN };
		poll(&ready, 1, 20000);
	}
	expect(got > 0 && memcmp(there, back, (size_t)got) == 0, "read()");
}

/* Blocking, or not, and by a duplicate. */
static void dial(const char *host, int round)
{
	struct sockaddr_storage peer, wanted;
	socklen_t length = sizeof peer, wanted_length = address_of(&wanted, host, port);
	int nonblocking = round % 3 == 0;
	int fd = socket_for(host, nonblocking ? SOCK_NONBLOCK : 0);
	int result = connect_to(fd, host, port);
	expect(result == 0 || (nonblocking && errno == EINPROGRESS), "connect()");
	/* Over SOCKS5 only the descriptor that was dialled is sure to know its peer (README.md, "Limits"). */
	if (round % 2 == 0 && getenv("TAILPROXY_SOCK")) {
		int copy = round % 4 == 0 ? dup(fd) : fcntl(fd, F_DUPFD_CLOEXEC, 3);
		close(fd);
		fd = copy;
	}
	finish(fd);
	errno = pending_error(fd);
	expect(errno == 0, "SO_ERROR");
	expect(getpeername(fd, (struct sockaddr *)&peer, &length) == 0, "getpeername()");
	expect(length == wanted_length && memcmp(&peer, &wanted, length) == 0, "the peer");
	echo(fd);
	close(fd);
}

static void fail(const char *host, int round)
{
	int nonblocking = round % 2;
	int fd = socket_for(host, nonblocking ? SOCK_NONBLOCK : 0);
	int result = connect_to(fd, host, bad_port);
	if (nonblocking && result < 0 && errno == EINPROGRESS) {
		finish(fd);
		errno = pending_error(fd);
	}
	expect(result < 0 && errno == ECONNREFUSED, "a refused connect()");
	/* The same descriptor can connect again. */
	if (!nonblocking)
		expect(connect_to(fd, host, port) == 0, "connect() after a failure");
	close(fd);
}

/* Left while it is under way: closed, or covered by another file. */
static void leave(const char *host, int round)
{
	int fd = socket_for(host, SOCK_NONBLOCK);
	int result = connect_to(fd, host, port);
	expect(result == 0 || errno == EINPROGRESS, "connect()");
	if (round % 2 == 0)
		expect(dup2(STDERR_FILENO, fd) == fd, "dup2()");
	expect(close(fd) == 0, "close()");
}

static void look(void)
{
	struct addrinfo *list = NULL;
	int status = getaddrinfo(name, port, NULL, &list);
	expect(status == 0, "getaddrinfo()");
	if (status == 0)
		freeaddrinfo(list);
}

/* A child made while other threads are inside the library can use it all the same. */
static void have_child(const char *host)
{
	pid_t child = fork();
	int status = 0;
	if (child == 0) {
		int fd = socket_for(host, 0);
		int result = connect_to(fd, host, port);
		_exit(result == 0 ? 0 : errno);
	}
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	errno = WEXITSTATUS(status);
	expect(status == 0, "the child");
}

static void *work(void *argument)
{
	int number = *(int *)argument;
	for (int round = 0; round < rounds && now() < end; round++) {
		const char *host = hosts[(round + number) % 2];
		dial(host, round);
		fail(host, round);
		leave(host, round);
		if ((round + number) % 4 == 0)
			look();
		if ((round + number) % 16 == 0)
			have_child(host);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t threads[THREADS_MAX];
	int numbers[THREADS_MAX], count = atoi(argv[6]);
	struct sigaction action = { .sa_handler = handler, .sa_flags = SA_RESTART };
	struct itimerval often = { { 0, 1000 }, { 0, 1000 } }, never = { { 0, 0 }, { 0, 0 } };
	if (argc != 9 || count > THREADS_MAX)
		return 2;
	hosts[0] = argv[1];
	hosts[1] = argv[2];
	port = argv[3];
	bad_port = argv[4];
	name = argv[5];
	end = now() + atoi(argv[7]);
	rounds = atoi(argv[8]);
	sigaction(SIGALRM, &action, NULL);
	dial(hosts[0], 0); /* what the first dial opens for the rest of the program's life is not left over */
	int before = open_descriptors();
	setitimer(ITIMER_REAL, &often, NULL);
	for (int i = 0; i < count; i++) {
		numbers[i] = i;
		pthread_create(&threads[i], NULL, work, &numbers[i]);
	}
	for (int i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
	setitimer(ITIMER_REAL, &never, NULL);
	printf("failures: %d\nsignals: %s\ndescriptors left: %d\n", failures, signals > 10 ? "many" : "few",
	       open_descriptors() - before);
	return 0;
}
