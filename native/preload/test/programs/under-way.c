/*
 * under-way HOST PORT MODE: what a program may do with a socket whose connect() is under way, or that is connected: close it,
 * duplicate it, leave it to a child, hand it on. Each line of stdin is waited for where the order matters.
 */
#include "observe.h"

#include <sched.h>
#include <sys/select.h>
#include <sys/syscall.h>

static const char *self, *host, *port;

static void await_line(void)
{
	char byte;
	printf("ready\n");
	while (read(STDIN_FILENO, &byte, 1) == 1 && byte != '\n')
		;
}

static int begin(void)
{
	int fd = socket_for(host, SOCK_NONBLOCK);
	observe("connect", connect_to(fd, host, port));
	return fd;
}

static void finish(int fd)
{
	struct pollfd ready = { .fd = fd, .events = POLLOUT };
	printf("poll: %d\n", poll(&ready, 1, 20000));
	printf("pending: %s\n", error_name(pending_error(fd)));
	observe_peer(fd, host, port);
}

/* Waits for the socket by select(). */
static void by_select(int fd)
{
	fd_set writable;
	struct timeval limit = { 20, 0 };
	FD_ZERO(&writable);
	FD_SET(fd, &writable);
	printf("select: %d\n", select(fd + 1, NULL, &writable, NULL, &limit));
	observe("connect again", connect_to(fd, host, port));
	observe("and again", connect_to(fd, host, port));
	observe_peer(fd, host, port);
}

/* A descriptor's right to another process that shares nothing with this one. */
static void hand_on(int fd)
{
	int pair[2];
	char byte = 0;
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { .head = { .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS } };
	struct iovec part = { &byte, 1 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control };
	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	memcpy(CMSG_DATA(&control.head), &fd, sizeof fd);
	sendmsg(pair[0], &message, 0);
	dup2(pair[1], STDIN_FILENO);
	close(fd);
	execl(self, self, host, port, "received", NULL);
}

static void receive(void)
{
	char byte;
	int fd;
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec part = { &byte, 1 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control };
	recvmsg(STDIN_FILENO, &message, 0);
	memcpy(&fd, CMSG_DATA(&control.head), sizeof fd);
	struct pollfd ready = { .fd = fd, .events = POLLOUT };
	printf("poll: %d\n", poll(&ready, 1, 20000));
	observe_peer(fd, host, port);
	observe_echo(fd);
}

static void blocking(void)
{
	int fd = socket_for(host, 0);
	observe("connect", connect_to(fd, host, port));
	observe_peer(fd, host, port);
}

static void close_all(const char *how)
{
	if (strcmp(how, "each") == 0)
		for (int fd = 3; fd < 1024; fd++)
			close(fd);
#ifdef __GLIBC__
	if (strcmp(how, "range") == 0)
		observe("close_range", close_range(3, ~0u, 0));
	if (strcmp(how, "from") == 0)
		closefrom(3);
#endif
	if (strcmp(how, "raw") == 0)
		for (int fd = 3; fd < 1024; fd++)
			syscall(SYS_close, fd);
	if (strcmp(how, "covered") == 0)
		for (int fd = 3; fd < 1024; fd++)
			dup2(STDERR_FILENO, fd);
}

int main(int argc, char **argv)
{
	const char *mode = argv[3];
	char *empty[] = { NULL };
	setvbuf(stdout, NULL, _IONBF, 0);
	self = argv[0];
	host = argv[1];
	port = argv[2];
	if (strcmp(mode, "close") == 0) {
		int fd = begin();
		await_line();
		close(fd);
		await_line();
	} else if (strcmp(mode, "stream") == 0) {
		FILE *stream = fdopen(begin(), "r");
		await_line();
		fclose(stream);
		await_line();
	} else if (strcmp(mode, "over") == 0) {
		int fd = begin();
		await_line();
		dup2(STDERR_FILENO, fd);
		await_line();
	} else if (strcmp(mode, "over3") == 0) {
		int fd = begin();
		await_line();
		dup3(STDERR_FILENO, fd, O_CLOEXEC);
		await_line();
#ifdef __GLIBC__
	} else if (strcmp(mode, "between") == 0) {
		unsigned fd = (unsigned)begin();
		await_line();
		close_range(fd, fd, 0);
		await_line();
	} else if (strcmp(mode, "above") == 0) {
		int fd = begin();
		await_line();
		closefrom(fd);
		await_line();
#endif
	} else if (strcmp(mode, "gone") == 0) {
		fcntl(begin(), F_SETFD, FD_CLOEXEC);
		await_line();
		execl(self, self, host, port, "idle", NULL);
	} else if (strcmp(mode, "idle") == 0) {
		await_line();
	} else if (strcmp(mode, "disconnect") == 0) {
		struct sockaddr none = { .sa_family = AF_UNSPEC };
		int fd = begin();
		await_line();
		observe("disconnect", connect(fd, &none, sizeof none));
		await_line();
	} else if (strcmp(mode, "left") == 0) {
		int fd = begin();
		await_line();
		finish(fd);
	} else if (strcmp(mode, "read") == 0) {
		struct pollfd ready = { .fd = begin(), .events = POLLOUT };
		char byte;
		await_line();
		poll(&ready, 1, 20000);
		observe("read", read(ready.fd, &byte, 1));
	} else if (strcmp(mode, "dup") == 0) {
		int fd = begin(), copy = dup(fd);
		close(fd);
		finish(copy);
	} else if (strcmp(mode, "again") == 0) {
		int fd = begin();
		observe("connect again", connect_to(fd, host, port));
		await_line();
		finish(fd);
		observe("connect at the end", connect_to(fd, host, port));
		observe("and again", connect_to(fd, host, port));
	} else if (strcmp(mode, "kept") == 0) {
		dup2(begin(), STDIN_FILENO);
		execl(self, self, host, port, "inherited", NULL);
	} else if (strcmp(mode, "inherited") == 0) {
		finish(STDIN_FILENO);
	} else if (strcmp(mode, "sent") == 0) {
		hand_on(begin());
	} else if (strcmp(mode, "select") == 0) {
		by_select(begin());
	} else if (strcmp(mode, "fork") == 0) {
		int fd = begin();
		if (fork() != 0)
			_exit(0); /* the child has the pipes, which the test reads to their end */
		finish(fd);
	} else if (strcmp(mode, "vfork") == 0) {
		blocking();
		pid_t child = vfork();
		if (child == 0) {
			int fd = socket_for(host, 0);
			_exit(connect_to(fd, host, port) == 0 ? 0 : errno);
		}
		int status = 0;
		waitpid(child, &status, 0);
		printf("child: %s\n", error_name(WEXITSTATUS(status)));
		blocking();
	} else if (strcmp(mode, "exec") == 0) {
		int fd = socket_for(host, 0);
		observe("connect", connect_to(fd, host, port));
		dup2(fd, STDIN_FILENO);
		execle(self, self, host, port, "stdin", NULL, empty);
	} else if (strcmp(mode, "stdin") == 0) {
		observe_peer(STDIN_FILENO, host, port);
	} else if (strcmp(mode, "rights") == 0) {
		int fd = socket_for(host, 0);
		observe("connect", connect_to(fd, host, port));
		hand_on(fd);
	} else if (strcmp(mode, "received") == 0) {
		receive();
	} else if (strcmp(mode, "user") == 0) {
		observe("setgid", setgid(65534));
		observe("setuid", setuid(65534));
		blocking();
	} else if (strcmp(mode, "root") == 0) {
		observe("chroot", chroot(argv[4]));
		blocking();
	} else if (strcmp(mode, "twice") == 0) {
		blocking();
		await_line();
		blocking();
	} else if (strcmp(mode, "wait") == 0) {
		await_line();
		blocking();
	} else if (strcmp(mode, "blocking") == 0) {
		printf("ready\n");
		blocking();
	} else {
		if (argc > 4)
			blocking(); /* so that there is a channel to lose */
		close_all(mode);
		blocking();
	}
	return 0;
}
