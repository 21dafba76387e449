/* What the test programs have in common: addresses from arguments, and observations as lines that two runs can share. */
#ifndef TP_OBSERVE_H
#define TP_OBSERVE_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static inline const char *error_name(int error)
{
	static const struct {
		int error;
		const char *name;
	} names[] = {
		{ 0, "0" }, { EACCES, "EACCES" }, { EADDRNOTAVAIL, "EADDRNOTAVAIL" }, { EAFNOSUPPORT, "EAFNOSUPPORT" },
		{ EAGAIN, "EAGAIN" }, { EALREADY, "EALREADY" }, { EBADF, "EBADF" }, { ECONNREFUSED, "ECONNREFUSED" },
		{ ECONNRESET, "ECONNRESET" }, { EDESTADDRREQ, "EDESTADDRREQ" }, { EFAULT, "EFAULT" },
		{ EHOSTUNREACH, "EHOSTUNREACH" }, { EINPROGRESS, "EINPROGRESS" }, { EINTR, "EINTR" }, { EINVAL, "EINVAL" },
		{ EISCONN, "EISCONN" }, { ENETDOWN, "ENETDOWN" }, { ENETUNREACH, "ENETUNREACH" }, { ENOTCONN, "ENOTCONN" },
		{ ENOTSOCK, "ENOTSOCK" }, { EOPNOTSUPP, "EOPNOTSUPP" }, { EPIPE, "EPIPE" }, { ETIMEDOUT, "ETIMEDOUT" },
		{ ENOPROTOOPT, "ENOPROTOOPT" }, { EADDRINUSE, "EADDRINUSE" }, { EMSGSIZE, "EMSGSIZE" },
		{ ENOSYS, "ENOSYS" }, { EPROTOTYPE, "EPROTOTYPE" },
	};
	static char other[16];
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (names[i].error == error)
			return names[i].name;
	snprintf(other, sizeof other, "%d", error);
	return other;
}

/** Prints what a call returned, and errno only if that means something; errno must survive a success. */
static inline int observe(const char *what, long result)
{
	printf("%s: %s\n", what, result >= 0 ? "ok" : error_name(errno));
	return (int)result;
}

/** Fills a socket address from text; returns its length. */
static inline socklen_t address_of(struct sockaddr_storage *out, const char *host, const char *port)
{
	memset(out, 0, sizeof *out);
	struct sockaddr_in *in = (struct sockaddr_in *)out;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;
	/* musl's inet_pton() writes what it has read so far even when it fails: no trying of one family after the other. */
	if (!strchr(host, ':')) {
		if (inet_pton(AF_INET, host, &in->sin_addr) != 1)
			exit(2);
		in->sin_family = AF_INET;
		in->sin_port = htons((uint16_t)atoi(port));
		return sizeof *in;
	}
	if (inet_pton(AF_INET6, host, &in6->sin6_addr) != 1)
		exit(2);
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons((uint16_t)atoi(port));
	return sizeof *in6;
}

static inline int connect_to(int fd, const char *host, const char *port)
{
	struct sockaddr_storage address;
	socklen_t length = address_of(&address, host, port);
	return connect(fd, (struct sockaddr *)&address, length);
}

static inline int socket_for(const char *host, int flags)
{
	return socket(strchr(host, ':') ? AF_INET6 : AF_INET, SOCK_STREAM | flags, 0);
}

static inline int pending_error(int fd)
{
	int error = 0;
	socklen_t length = sizeof error;
	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0 ? errno : error;
}

/** Whether bytes go there and come back. */
static inline void observe_echo(int fd)
{
	char back[5] = "";
	printf("write: %zd\n", write(fd, "ping", 4));
	for (ssize_t have = 0, more; have < 4; have += more) {
		struct pollfd ready = { .fd = fd, .events = POLLIN };
		poll(&ready, 1, 10000);
		more = read(fd, back + have, (size_t)(4 - have));
		if (more <= 0) {
			printf("read: %s\n", more == 0 ? "end" : error_name(errno));
			return;
		}
	}
	printf("read: %s\n", back);
}

/** Prints the peer as "the destination" when it is that, so that runs to different addresses agree. */
static inline void observe_peer(int fd, const char *host, const char *port)
{
	struct sockaddr_storage wanted, got;
	socklen_t wanted_length = address_of(&wanted, host, port), length = sizeof got;
	memset(&got, 0, sizeof got);
	if (getpeername(fd, (struct sockaddr *)&got, &length) < 0)
		printf("peer: %s\n", error_name(errno));
	else
		printf("peer: %s\n", length == wanted_length && memcmp(&got, &wanted, length) == 0 ? "the destination"
											      : "another");
}

static inline int open_descriptors(void)
{
	int count = 0;
	for (int fd = 0; fd < 1024; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

#endif
