/* udp-error HOST PORT: sends to where nobody is, and shows what the error queue says of it. */
#include "observe.h"

#include <netinet/ip.h>
#include <stdbool.h>

/** sock_extended_err of <linux/errqueue.h>, which not every C library brings. */
struct extended_error {
	uint32_t error;
	uint8_t origin, type, code, pad;
	uint32_t info, data;
};

int main(int argc, char **argv)
{
	struct sockaddr_storage there, name, offender;
	socklen_t length = address_of(&there, argv[1], argv[2]);
	bool four = there.ss_family == AF_INET;
	int fd = socket(there.ss_family, SOCK_DGRAM, 0), on = 1;
	struct pollfd ready = { .fd = fd };
	union {
		struct cmsghdr head;
		char bytes[512];
	} control;
	char text[8];
	struct iovec part = { text, sizeof text };
	struct msghdr message = { .msg_name = &name, .msg_namelen = sizeof name, .msg_iov = &part, .msg_iovlen = 1,
				  .msg_control = &control, .msg_controllen = sizeof control };
	struct extended_error error = { 0 };
	(void)argc;
	setsockopt(fd, four ? IPPROTO_IP : IPPROTO_IPV6, four ? IP_RECVERR : IPV6_RECVERR, &on, sizeof on);
	sendto(fd, "ping", 4, 0, (struct sockaddr *)&there, length);
	poll(&ready, 1, 10000);
	memset(&name, 0, sizeof name);
	memset(&offender, 0, sizeof offender);
	observe("error queue", recvmsg(fd, &message, MSG_ERRQUEUE));
	printf("sent to: %s\n", memcmp(&name, &there, length) == 0 ? "the destination" : "another");
	memcpy(&error, CMSG_DATA(&control.head), sizeof error);
	memcpy(&offender, CMSG_DATA(&control.head) + sizeof error, length);
	printf("error: %s\n", error_name((int)error.error));
	((struct sockaddr_in *)&there)->sin_port = 0;
	printf("offender: %s\n", memcmp(&offender, &there, length) == 0 ? "the destination" : "another");
	return 0;
}
