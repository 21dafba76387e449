/* dial HOST PORT [echo|read|none] [mode…]: one connect(), and what can be seen of it afterwards. */
#include "observe.h"

#include <sys/epoll.h>

static int has(int argc, char **argv, const char *word)
{
	for (int i = 4; i < argc; i++)
		if (strcmp(argv[i], word) == 0)
			return 1;
	return 0;
}

static void read_all(int fd)
{
	char bytes[4096];
	ssize_t have = 0, more;
	do {
		struct pollfd ready = { .fd = fd, .events = POLLIN };
		poll(&ready, 1, 10000);
		more = read(fd, bytes + have, sizeof bytes - (size_t)have);
		have += more > 0 ? more : 0;
	} while (more > 0);
	printf("read %zd: %.*s\n", have, (int)have, bytes);
}

/* A non-blocking connect() that is not done at once is done when epoll says so. */
static int finish(int fd, int result)
{
	struct epoll_event event = { .events = EPOLLOUT | EPOLLET }, got;
	int watcher = epoll_create1(EPOLL_CLOEXEC);
	if (result < 0 && errno != EINPROGRESS)
		return result;
	epoll_ctl(watcher, EPOLL_CTL_ADD, fd, &event);
	printf("epoll: %d", epoll_wait(watcher, &got, 1, 10000));
	printf(" %s\n", got.events & EPOLLOUT ? "writable" : "");
	close(watcher);
	errno = pending_error(fd);
	return errno ? -1 : 0;
}

int main(int argc, char **argv)
{
	const char *host = argv[1], *port = argv[2], *then = argc > 3 ? argv[3] : "echo";
	int nonblocking = has(argc, argv, "nonblocking");
	int fd, one = 1;
	if (has(argc, argv, "high")) {
		int low = socket_for(host, nonblocking ? SOCK_NONBLOCK : 0);
		fd = fcntl(low, F_DUPFD, 900);
		close(low);
	} else {
		fd = socket_for(host, nonblocking ? SOCK_NONBLOCK : 0);
	}
	if (has(argc, argv, "v6only"))
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
	if (has(argc, argv, "lowat")) {
		int low_water = 1000;
		setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &low_water, sizeof low_water);
	}
	if (has(argc, argv, "clearenv"))
		clearenv();
	errno = 0;
	int result = connect_to(fd, host, port);
	if (result == 0 && errno != 0)
		printf("errno was changed\n");
	if (nonblocking)
		result = finish(fd, result);
	observe("connect", result);
	printf("pending: %s\n", error_name(pending_error(fd)));
	printf("flags: %d\n", !!(fcntl(fd, F_GETFL) & O_NONBLOCK));
	if (has(argc, argv, "v6only")) {
		int shown = -1;
		socklen_t length = sizeof shown;
		getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &shown, &length);
		printf("v6only: %d\n", shown);
	}
	observe_peer(fd, host, port);
	if (has(argc, argv, "lowat"))
		setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &one, sizeof one);
	if (result == 0 && strcmp(then, "echo") == 0)
		observe_echo(fd);
	if (result == 0 && strcmp(then, "read") == 0)
		read_all(fd);
	return 0;
}
