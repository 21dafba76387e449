/* udp-mtu HOST PORT: what a socket that forbids fragments may send, and what it says the path takes. */
#include "observe.h"

#include <netinet/ip.h>
#include <stdbool.h>
#include <sys/uio.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

static char bytes[65536];

static const char *outcome(ssize_t sent, size_t size)
{
	return sent == (ssize_t)size ? "ok" : sent < 0 ? error_name(errno) : "short";
}

static void observe_connected(const char *what, int fd, size_t size)
{
	struct iovec parts[2] = { { bytes, size / 2 }, { bytes, size - size / 2 } };
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };
	printf("%s, %zu: send %s\n", what, size, outcome(send(fd, bytes, size, 0), size));
	printf("%s, %zu: write %s\n", what, size, outcome(write(fd, bytes, size), size));
	printf("%s, %zu: writev %s\n", what, size, outcome(writev(fd, parts, 2), size));
	printf("%s, %zu: sendmsg %s\n", what, size, outcome(sendmsg(fd, &message, 0), size));
}

int main(int argc, char **argv)
{
	struct sockaddr_storage there;
	socklen_t length = address_of(&there, argv[1], argv[2]);
	bool six = there.ss_family == AF_INET6 && !strstr(argv[1], "::ffff:");
	size_t fits = six ? 1280 - 48 : 1280 - 28;
	int level = six ? IPPROTO_IPV6 : IPPROTO_IP, discover = six ? IPV6_MTU_DISCOVER : IP_MTU_DISCOVER;
	int forbid = IP_PMTUDISC_DO, want = IP_PMTUDISC_WANT, mtu = 0, segment = 1200;
	socklen_t size = sizeof mtu;
	int fd = socket(there.ss_family, SOCK_DGRAM, 0);
	struct sockaddr *to = (struct sockaddr *)&there;
	(void)argc;
	printf("fragments, %zu: %s\n", fits + 1, outcome(sendto(fd, bytes, fits + 1, 0, to, length), fits + 1));
	setsockopt(fd, level, discover, &forbid, sizeof forbid);
	printf("none, %zu: %s\n", fits, outcome(sendto(fd, bytes, fits, 0, to, length), fits));
	printf("none, %zu: %s\n", fits + 1, outcome(sendto(fd, bytes, fits + 1, 0, to, length), fits + 1));
	observe("connect", connect(fd, to, length));
	printf("path: %s", getsockopt(fd, level, six ? IPV6_MTU : IP_MTU, &mtu, &size) < 0 ? error_name(errno) : "");
	printf("%d\n", mtu);
	observe_connected("none", fd, fits);
	observe_connected("none", fd, fits + 1);
	setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof segment);
	printf("segments: %s\n", outcome(send(fd, bytes, 12000, 0), 12000));
	segment = 0;
	setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof segment);
	setsockopt(fd, level, discover, &want, sizeof want);
	observe_connected("fragments", fd, fits + 1);
	return 0;
}
