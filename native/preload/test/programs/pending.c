/*
 * pending HOST PORT COUNT level|edge|poll|select [FIRST]: COUNT connect()s under way at once, on descriptors from FIRST on.
 * Nobody is told of one before it has ended, and of each end once and with its errno, and of none that is closed. A line of
 * stdin is waited for before they begin, and while all wait.
 */
#include "observe.h"

#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/select.h>

static const char *host, *port;
static int count, *sockets, watcher = -1, others;
static struct pollfd *polled;

static void await_line(const char *say)
{
	char byte;
	printf("%s\n", say);
	while (read(STDIN_FILENO, &byte, 1) == 1 && byte != '\n')
		;
}

static void make_room(int first)
{
	struct rlimit limit;
	rlim_t wanted = (rlim_t)(first + count + 64);
	getrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur < wanted)
		limit.rlim_cur = wanted;
	if (limit.rlim_max < wanted)
		limit.rlim_max = wanted;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		exit(77);
}

static int make_socket(int first)
{
	int fd = socket_for(host, SOCK_NONBLOCK);
	if (first == 0)
		return fd;
	int high = fcntl(fd, F_DUPFD, first);
	close(fd);
	return high;
}

/* select() knows no number above FD_SETSIZE, whatever the limit. */
static int wait_by_select(int *ready, int limit_ms)
{
	struct timeval limit = { limit_ms / 1000, limit_ms % 1000 * 1000 };
	fd_set writable;
	int highest = -1, found = 0;
	FD_ZERO(&writable);
	for (int i = 0; i < count; i++) {
		if (sockets[i] < 0)
			continue;
		FD_SET(sockets[i], &writable);
		highest = sockets[i] > highest ? sockets[i] : highest;
	}
	if (select(highest + 1, NULL, &writable, NULL, &limit) <= 0)
		return 0;
	for (int i = 0; i < count; i++)
		if (sockets[i] >= 0 && FD_ISSET(sockets[i], &writable))
			ready[found++] = i;
	return found;
}

static int wait_by_poll(int *ready, int limit_ms)
{
	int found = 0;
	for (int i = 0; i < count; i++)
		polled[i] = (struct pollfd){ .fd = sockets[i], .events = POLLOUT };
	if (poll(polled, (nfds_t)count, limit_ms) <= 0)
		return 0;
	for (int i = 0; i < count; i++)
		if (polled[i].revents)
			ready[found++] = i;
	return found;
}

static int wait_by_epoll(int *ready, int limit_ms)
{
	struct epoll_event events[256];
	int found = epoll_wait(watcher, events, 256, limit_ms);
	for (int i = 0; i < found; i++)
		ready[i] = (int)events[i].data.u32;
	return found < 0 ? 0 : found;
}

static int wait_some(const char *how, int *ready, int limit_ms)
{
	if (watcher >= 0)
		return wait_by_epoll(ready, limit_ms);
	return how[0] == 's' ? wait_by_select(ready, limit_ms) : wait_by_poll(ready, limit_ms);
}

static void begin(const char *how, int first)
{
	if (how[0] == 'l' || how[0] == 'e')
		watcher = epoll_create1(EPOLL_CLOEXEC);
	for (int i = 0; i < count; i++) {
		struct epoll_event event = { .events = EPOLLOUT | (how[0] == 'e' ? EPOLLET : 0u), .data.u32 = (uint32_t)i };
		sockets[i] = make_socket(first);
		/* Watched before and during: an edge must not come of either. */
		if (watcher >= 0 && i % 2 == 1)
			epoll_ctl(watcher, EPOLL_CTL_ADD, sockets[i], &event);
		if (connect_to(sockets[i], host, port) == 0 || errno != EINPROGRESS)
			others++;
		if (watcher >= 0 && i % 2 == 0)
			epoll_ctl(watcher, EPOLL_CTL_ADD, sockets[i], &event);
	}
}

int main(int argc, char **argv)
{
	int first = argc > 5 ? atoi(argv[5]) : 0, left, wrong_peer = 0, ended = 0, error = -1, mixed = 0, after_close = 0;
	const char *how = argv[4];
	setvbuf(stdout, NULL, _IONBF, 0);
	host = argv[1];
	port = argv[2];
	count = left = atoi(argv[3]);
	sockets = calloc((size_t)count, sizeof *sockets);
	polled = calloc((size_t)count, sizeof *polled);
	int *ready = calloc((size_t)count + 256, sizeof *ready);
	make_room(first);
	/* What a first dial waits for, the others need not. */
	int opening = socket_for(host, 0);
	connect_to(opening, host, port);
	close(opening);
	await_line("ready");
	begin(how, first);
	printf("not under way: %d\n", others);
	printf("early: %d\n", wait_some(how, ready, 0));
	await_line("under way");
	while (left > 0) {
		int found = wait_some(how, ready, 20000);
		if (found == 0)
			break;
		for (int i = 0; i < found; i++) {
			int *fd = &sockets[ready[i]];
			struct sockaddr_storage wanted, got;
			socklen_t length = sizeof got, wanted_length = address_of(&wanted, host, port);
			/* epoll would speak of one as long as somebody else's duplicate of it is open. */
			if (*fd < 0) {
				after_close++;
				continue;
			}
			int now = pending_error(*fd);
			mixed += error >= 0 && now != error;
			error = now;
			if (now == 0 && (getpeername(*fd, (struct sockaddr *)&got, &length) < 0 || length != wanted_length ||
					 memcmp(&got, &wanted, length) != 0))
				wrong_peer++;
			close(*fd);
			*fd = -1;
			ended++;
			left--;
		}
	}
	after_close += wait_some(how, ready, 0);
	printf("ended: %d\nwith: %s, others: %d\nwrong peers: %d\nafter close(): %d\n", ended, error_name(error), mixed,
	       wrong_peer, after_close);
	free(sockets);
	free(polled);
	free(ready);
	return 0;
}
