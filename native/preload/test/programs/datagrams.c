/* datagrams HOST PORT: UDP to HOST by every call that names a destination. */
#include "observe.h"

int main(int argc, char **argv)
{
	struct sockaddr_storage there, fine;
	const char *host = argv[1], *port = argv[2];
	socklen_t length = address_of(&there, host, port), fine_length;
	int domain = strchr(host, ':') ? AF_INET6 : AF_INET;
	int fd = socket(domain, SOCK_DGRAM, 0), sink = socket(domain, SOCK_DGRAM, 0);
	struct iovec part = { .iov_base = "x", .iov_len = 1 };
	(void)argc;
	address_of(&fine, domain == AF_INET ? "127.0.0.1" : "::1", "0");
	fine_length = length;
	bind(sink, (struct sockaddr *)&fine, fine_length);
	getsockname(sink, (struct sockaddr *)&fine, &fine_length);
	struct msghdr message = { .msg_name = &there, .msg_namelen = length, .msg_iov = &part, .msg_iovlen = 1 };
	struct msghdr good = { .msg_name = &fine, .msg_namelen = fine_length, .msg_iov = &part, .msg_iovlen = 1 };
	struct mmsghdr first_bad[2] = { { .msg_hdr = message }, { .msg_hdr = good } };
	struct mmsghdr last_bad[3] = { { .msg_hdr = good }, { .msg_hdr = good }, { .msg_hdr = message } };
	observe("sendto", sendto(fd, "x", 1, 0, (struct sockaddr *)&there, length));
	observe("sendmsg", sendmsg(fd, &message, 0));
	observe("sendmmsg", sendmmsg(fd, first_bad, 2, 0));
	printf("sendmmsg of three: %d\n", sendmmsg(fd, last_bad, 3, 0));
	printf("sendmmsg of none: %d\n", sendmmsg(fd, last_bad, 0, 0));
	observe("sendto loopback", sendto(fd, "x", 1, 0, (struct sockaddr *)&fine, fine_length));
	if (domain == AF_INET) {
		there.ss_family = AF_UNSPEC; /* IPv4 to the kernel */
		observe("sendto unspecified", sendto(fd, "x", 1, 0, (struct sockaddr *)&there, length));
		there.ss_family = AF_INET;
		int six = socket(AF_INET6, SOCK_DGRAM, 0);
		observe("IPv4 on an IPv6 socket", sendto(six, "x", 1, 0, (struct sockaddr *)&there, length));
		observe("connect on an IPv6 socket", connect(six, (struct sockaddr *)&there, length));
	}
	observe("connect", connect(fd, (struct sockaddr *)&there, length));
	observe("sendto NULL", sendto(fd, "x", 1, 0, NULL, 0));
	observe("sendto bad pointer", sendto(fd, "x", 1, 0, (struct sockaddr *)8, 16));
#ifdef __GLIBC__ /* musl reads the header itself */
	observe("sendmsg bad pointer", sendmsg(fd, (struct msghdr *)8, 0));
	observe("sendmmsg bad pointer", sendmmsg(fd, (struct mmsghdr *)8, 1, 0));
#endif
	return 0;
}
