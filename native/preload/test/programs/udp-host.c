/*
 * udp-host HOST PORT ADDRESS DEVICE: datagrams to HOST from sockets that are tied to the host's own ADDRESS or to its DEVICE,
 * and from HOST on to ADDRESS, which is the host's own business.
 */
#include "observe.h"

#include <net/if.h>
#include <netinet/ip.h>
#include <sys/uio.h>

static void observe_back(const char *what, int fd, const struct sockaddr_storage *there, socklen_t length)
{
	struct sockaddr_storage from;
	socklen_t size = sizeof from;
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	char text[8];
	memset(&from, 0, sizeof from);
	poll(&ready, 1, 10000);
	ssize_t got = recvfrom(fd, text, sizeof text, MSG_DONTWAIT, (struct sockaddr *)&from, &size);
	printf("%s: %zd from %s\n", what, got, memcmp(&from, there, length) == 0 ? "there" : "elsewhere");
}

int main(int argc, char **argv)
{
	struct sockaddr_storage there, own, own_any;
	socklen_t length = address_of(&there, argv[1], argv[2]), own_length = address_of(&own, argv[3], argv[2]);
	struct in_pktinfo info = { .ipi_ifindex = (int)if_nametoindex(argv[4]) };
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof info)];
	} control = { .head = { .cmsg_len = CMSG_LEN(sizeof info), .cmsg_level = IPPROTO_IP, .cmsg_type = IP_PKTINFO } };
	struct iovec part = { "ping", 4 };
	struct msghdr message = { .msg_name = &there, .msg_namelen = length, .msg_iov = &part, .msg_iovlen = 1,
				  .msg_control = &control, .msg_controllen = sizeof control };
	(void)argc;
	address_of(&own_any, argv[3], "0");
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	observe("bind", bind(fd, (struct sockaddr *)&own_any, own_length));
	observe("from the address", sendto(fd, "ping", 4, 0, (struct sockaddr *)&there, length));
	observe_back("from the address", fd, &there, length);
	memcpy(CMSG_DATA(&control.head), &info, sizeof info);
	observe("source device", sendmsg(fd, &message, 0));
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, argv[4], (socklen_t)strlen(argv[4]) + 1);
	observe("on the device", sendto(fd, "ping", 4, 0, (struct sockaddr *)&there, length));
	observe("connect on the device", connect_to(fd, argv[1], argv[2]));
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	observe("connect", connect_to(fd, argv[1], argv[2]));
	observe_echo(fd);
	observe("connect to the host", connect_to(fd, argv[3], argv[2]));
	observe_peer(fd, argv[3], argv[2]);
	observe_echo(fd);
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	observe("sendto the host", sendto(fd, "ping", 4, 0, (struct sockaddr *)&own, own_length));
	observe_back("sendto the host", fd, &own, own_length);
	return 0;
}
