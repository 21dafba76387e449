/* fast-open HOST PORT: the ways to send with the SYN. Each must end connected, or be refused so that connect() is tried. */
#include "observe.h"

#include <netinet/tcp.h>

#ifndef TCP_FASTOPEN_CONNECT
#define TCP_FASTOPEN_CONNECT 30
#endif

int main(int argc, char **argv)
{
	struct sockaddr_storage there;
	const char *host = argv[1], *port = argv[2];
	socklen_t length = address_of(&there, host, port);
	struct iovec part = { .iov_base = "ping", .iov_len = 4 };
	struct msghdr message = { .msg_name = &there, .msg_namelen = length, .msg_iov = &part, .msg_iovlen = 1 };
	struct mmsghdr many = { .msg_hdr = message };
	int one = 1, fd;
	(void)argc;
	fd = socket_for(host, 0);
	observe("sendto", sendto(fd, "ping", 4, MSG_FASTOPEN | MSG_NOSIGNAL, (struct sockaddr *)&there, length));
	fd = socket_for(host, 0);
	observe("sendmsg", sendmsg(fd, &message, MSG_FASTOPEN | MSG_NOSIGNAL));
	fd = socket_for(host, 0);
	observe("sendmmsg", sendmmsg(fd, &many, 1, MSG_FASTOPEN | MSG_NOSIGNAL));
	observe("connect instead", connect_to(fd, host, port));
	observe_echo(fd);
	/* Connected, TCP takes no notice of the address. */
	observe("sendto connected", sendto(fd, "ping", 4, 0, (struct sockaddr *)&there, length));
	fd = socket_for(host, 0);
	observe("option", setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &one, sizeof one));
	observe("connect", connect_to(fd, host, port));
	observe_echo(fd);
	observe_peer(fd, host, port);
	return 0;
}
