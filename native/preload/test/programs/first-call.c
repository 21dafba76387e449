/*
 * first-call HOST PORT: connect()s that fail while they are under way, and every call that may be the first to hear of it: it
 * tells why, once. A line of stdin is waited for while all are under way.
 */
#include "observe.h"

#include <sys/uio.h>

#ifdef __GLIBC__
ssize_t __read_chk(int, void *, size_t, size_t);
ssize_t __recv_chk(int, void *, size_t, size_t, int);
ssize_t __recvfrom_chk(int, void *, size_t, size_t, int, struct sockaddr *, socklen_t *);
#endif

static const char *const calls[] = {
	"read", "readv", "recv", "recvfrom", "recvmsg", "recvmmsg", "write", "writev", "send", "sendto", "sendmsg", "sendmmsg",
#ifdef __GLIBC__
	"__read_chk", "__recv_chk", "__recvfrom_chk",
#endif
};
enum { CALLS = sizeof calls / sizeof calls[0] };

static volatile sig_atomic_t pipes;

static void broken_pipe(int number)
{
	(void)number;
	pipes++;
}

static long perform(const char *call, int fd)
{
	char bytes[4] = "ping";
	struct iovec part = { bytes, sizeof bytes };
	struct mmsghdr many = { .msg_hdr = { .msg_iov = &part, .msg_iovlen = 1 } };
#define IS(name) (strcmp(call, name) == 0)
	if (IS("read"))
		return read(fd, bytes, sizeof bytes);
	if (IS("readv"))
		return readv(fd, &part, 1);
	if (IS("recv"))
		return recv(fd, bytes, sizeof bytes, 0);
	if (IS("recvfrom"))
		return recvfrom(fd, bytes, sizeof bytes, 0, NULL, NULL);
	if (IS("recvmsg"))
		return recvmsg(fd, &many.msg_hdr, 0);
	if (IS("recvmmsg"))
		return recvmmsg(fd, &many, 1, 0, NULL);
	if (IS("write"))
		return write(fd, bytes, sizeof bytes);
	if (IS("writev"))
		return writev(fd, &part, 1);
	if (IS("send"))
		return send(fd, bytes, sizeof bytes, 0);
	if (IS("sendto"))
		return sendto(fd, bytes, sizeof bytes, 0, NULL, 0);
	if (IS("sendmsg"))
		return sendmsg(fd, &many.msg_hdr, 0);
	if (IS("sendmmsg"))
		return sendmmsg(fd, &many, 1, 0);
#ifdef __GLIBC__
	if (IS("__read_chk"))
		return __read_chk(fd, bytes, sizeof bytes, sizeof bytes);
	if (IS("__recv_chk"))
		return __recv_chk(fd, bytes, sizeof bytes, sizeof bytes, 0);
	if (IS("__recvfrom_chk"))
		return __recvfrom_chk(fd, bytes, sizeof bytes, sizeof bytes, 0, NULL, NULL);
#endif
	return 0;
}

static void show(const char *when, const char *call, int fd)
{
	int before = pipes;
	long result = perform(call, fd);
	printf("%s %s: %s, SIGPIPE %d\n", when, call, result < 0 ? error_name(errno) : result == 0 ? "end" : "some", pipes - before);
}

int main(int argc, char **argv)
{
	struct pollfd sockets[CALLS];
	char byte;
	(void)argc;
	signal(SIGPIPE, broken_pipe);
	setvbuf(stdout, NULL, _IONBF, 0);
	for (int i = 0; i < CALLS; i++) {
		sockets[i] = (struct pollfd){ .fd = socket_for(argv[1], SOCK_NONBLOCK), .events = POLLIN | POLLOUT };
		connect_to(sockets[i].fd, argv[1], argv[2]);
		if (errno != EINPROGRESS)
			return 3;
	}
	printf("ready\n");
	while (read(STDIN_FILENO, &byte, 1) == 1 && byte != '\n')
		;
	for (int i = 0; i < CALLS; i++) {
		printf("%s: %d", calls[i], poll(&sockets[i], 1, 20000));
		printf(" %x\n", (unsigned)sockets[i].revents);
		show("first", calls[i], sockets[i].fd);
		printf("pending: %s\n", error_name(pending_error(sockets[i].fd)));
		show("second", calls[i], sockets[i].fd);
		close(sockets[i].fd);
	}
	return 0;
}
