/*
 * fast-open HOST PORT [nonblocking]: the ways to send with the SYN, seen alike whether the kernel does it (without a cookie it
 * sends when connected) or a connect() comes first.
 */
#include "observe.h"

#include <netinet/tcp.h>

#ifndef TCP_FASTOPEN_CONNECT
#define TCP_FASTOPEN_CONNECT 30
#endif

static struct sockaddr_storage there;
static socklen_t length;
static const char *host, *port;

static struct msghdr message_of(struct iovec *part)
{
	return (struct msghdr){ .msg_name = &there, .msg_namelen = length, .msg_iov = part, .msg_iovlen = 1 };
}

/** The four bytes that were sent come back. */
static void observe_back(int fd)
{
	char back[5] = "";
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	poll(&ready, 1, 10000);
	printf("back: %zd %s\n", recv(fd, back, 4, MSG_WAITALL), back);
	observe_peer(fd, host, port);
}

static void observe_blocking(void)
{
	struct iovec part = { .iov_base = "ping", .iov_len = 4 };
	struct msghdr message = message_of(&part);
	struct mmsghdr many[2] = { { .msg_hdr = message }, { .msg_hdr = message } };
	int fd = socket_for(host, 0);
	printf("sendto: %zd\n", sendto(fd, "ping", 4, MSG_FASTOPEN | MSG_NOSIGNAL, (struct sockaddr *)&there, length));
	observe_back(fd);
	observe("sendto when connected", sendto(fd, "ping", 4, MSG_FASTOPEN, (struct sockaddr *)&there, length));
	/* Connected, TCP takes no notice of the address. */
	observe("sendto without the flag", sendto(fd, "ping", 4, 0, (struct sockaddr *)&there, length));
	fd = socket_for(host, 0);
	printf("sendmsg: %zd\n", sendmsg(fd, &message, MSG_FASTOPEN | MSG_NOSIGNAL));
	observe_back(fd);
	fd = socket_for(host, 0);
	printf("sendmmsg: %d\n", sendmmsg(fd, many, 2, MSG_FASTOPEN | MSG_NOSIGNAL));
	printf("length: %u\n", many[0].msg_len);
	observe_back(fd);
}

static void observe_option(void)
{
	int one = 1, fd = socket_for(host, 0);
	observe("option", setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &one, sizeof one));
	observe("connect", connect_to(fd, host, port));
	observe_echo(fd);
	observe_peer(fd, host, port);
}

static void observe_nonblocking(void)
{
	int fd = socket_for(host, SOCK_NONBLOCK);
	struct pollfd ready = { .fd = fd, .events = POLLOUT };
	observe("non-blocking", sendto(fd, "ping", 4, MSG_FASTOPEN, (struct sockaddr *)&there, length));
	poll(&ready, 1, 10000);
	printf("error: %s\n", error_name(pending_error(fd)));
	/* The end of that connect(), and now the bytes are taken. */
	observe("again", sendto(fd, "ping", 4, MSG_FASTOPEN, (struct sockaddr *)&there, length));
	observe_back(fd);
}

static void observe_refused(const char *closed)
{
	struct sockaddr_storage nobody;
	socklen_t size = address_of(&nobody, host, closed);
	observe("refused", sendto(socket_for(host, 0), "ping", 4, MSG_FASTOPEN, (struct sockaddr *)&nobody, size));
}

int main(int argc, char **argv)
{
	static const struct sockaddr none = { .sa_family = AF_UNSPEC };
	host = argv[1];
	port = argv[2];
	length = address_of(&there, host, port);
	observe_blocking();
	observe_option();
	observe_refused(argv[3]);
	observe("no destination", sendto(socket_for(host, 0), "ping", 4, MSG_FASTOPEN, &none, sizeof none));
	if (argc > 4)
		observe_nonblocking();
	return 0;
}
