/*
 * udp-odd HOST PORT: datagrams that the kernel refuses, sockets that are bound or restricted, and messages with control data,
 * seen alike on every way there.
 */
#include "observe.h"

#include <netinet/ip.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/uio.h>

static struct sockaddr_storage there;
static socklen_t length;
static const char *host, *port;

static int udp_socket(void)
{
	struct timeval limit = { .tv_sec = 10 };
	int fd = socket(there.ss_family, SOCK_DGRAM, 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	return fd;
}

static ssize_t send_there(int fd, socklen_t size)
{
	return sendto(fd, "ping", 4, 0, (struct sockaddr *)&there, size);
}

static void observe_back(const char *what, int fd)
{
	struct sockaddr_storage from;
	socklen_t size = sizeof from;
	char text[8] = "";
	memset(&from, 0, sizeof from);
	ssize_t got = recvfrom(fd, text, sizeof text, 0, (struct sockaddr *)&from, &size);
	printf("%s: %zd from %s\n", what, got, memcmp(&from, &there, length) == 0 ? "the destination" : "another");
}

static void observe_pointers(void)
{
	static struct iovec parts[5000];
	int fd = udp_socket();
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct iovec part = { "ping", 4 }, bad_part = { (void *)8, 4 };
	struct msghdr message = { .msg_name = (void *)8, .msg_namelen = length, .msg_iov = &part, .msg_iovlen = 1 };
	struct mmsghdr many[2] = { { .msg_hdr = { .msg_name = &there, .msg_namelen = length, .msg_iov = &part, .msg_iovlen = 1 } } };
	munmap(page + 4096, 4096);
	observe("no bytes", sendto(fd, (void *)8, 4, 0, (struct sockaddr *)&there, length));
	observe("no address", sendto(fd, "x", 1, 0, (struct sockaddr *)8, length));
	memcpy(page + 4096 - 8, &there, 8);
	observe("half an address", sendto(fd, "x", 1, 0, (struct sockaddr *)(page + 4096 - 8), length));
	memcpy(page + 1, &there, length);
	observe("misaligned", sendto(fd, "ping", 4, 0, (struct sockaddr *)(page + 1), length));
	observe_back("misaligned", fd);
	observe("message, no address", sendmsg(fd, &message, 0));
	message.msg_name = &there;
	message.msg_iov = &bad_part;
	observe("message, no bytes", sendmsg(fd, &message, 0));
	message.msg_iov = (struct iovec *)8;
	observe("message, no parts", sendmsg(fd, &message, 0));
	message.msg_iov = parts;
	message.msg_iovlen = 5000;
	observe("message, too many parts", sendmsg(fd, &message, 0));
#ifdef __GLIBC__ /* musl reads these itself */
	message.msg_iov = &part;
	message.msg_iovlen = 1;
	message.msg_control = (void *)8;
	message.msg_controllen = 64;
	observe("message, no control data", sendmsg(fd, &message, 0));
	struct mmsghdr *last = (struct mmsghdr *)(page + 4096 - sizeof *last);
	*last = many[0];
	printf("the second message is nowhere: %d\n", sendmmsg(fd, last, 2, 0));
	observe_back("the first", fd);
	observe("recvmsg nowhere", recvmsg(fd, (struct msghdr *)8, MSG_DONTWAIT));
	observe("recvmmsg nowhere", recvmmsg(fd, (struct mmsghdr *)8, 1, MSG_DONTWAIT, NULL));
#endif
	many[1] = many[0];
	many[1].msg_hdr.msg_name = (void *)8;
	printf("the second address is nowhere: %d\n", sendmmsg(fd, many, 2, 0));
	observe_back("the first", fd);
	send_there(fd, length);
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	poll(&ready, 1, 10000);
	char byte;
	socklen_t size = length;
	observe("from nowhere", recvfrom(fd, &byte, 1, MSG_PEEK, (struct sockaddr *)8, &size));
	observe("length nowhere", recvfrom(fd, &byte, 1, MSG_PEEK, (struct sockaddr *)page, (socklen_t *)8));
	observe_back("still there", fd);
	munmap(page, 4096);
}

static void observe_addresses(void)
{
	int fd = udp_socket();
	struct sockaddr_storage kept = there;
	for (socklen_t size = 0; size < length; size += size < 2 ? 1 : 2)
		if (size < 24) {
			printf("length %u ", size);
			observe("sendto", send_there(fd, size));
		}
	observe("too long", sendto(fd, "x", 1, 0, (struct sockaddr *)&there, 4096));
	((struct sockaddr_in *)&there)->sin_port = 0;
	observe("port 0", send_there(fd, length));
	there = kept;
	there.ss_family = AF_UNIX;
	observe("another family", send_there(fd, length));
	there.ss_family = AF_UNSPEC;
	ssize_t sent = send_there(fd, length);
	there = kept;
	observe("no family", sent);
	if (sent > 0)
		observe_back("no family", fd);
	observe("no destination", sendto(fd, "x", 1, 0, NULL, 0));
	observe("not a descriptor", send_there(-1, length));
	observe("not a socket", send_there(open("/dev/null", O_RDWR), length));
	observe("flag", sendto(fd, "x", 1, MSG_OOB, (struct sockaddr *)&there, length));
	observe("MSG_DONTWAIT", sendto(fd, "ping", 4, MSG_DONTWAIT | MSG_CONFIRM, (struct sockaddr *)&there, length));
	observe_back("MSG_DONTWAIT", fd);
}

static void observe_restricted(void)
{
	struct sockaddr_storage any;
	struct in_pktinfo info = { .ipi_ifindex = 1 };
	union {
		struct cmsghdr head;
		char bytes[256];
	} control = { .head = { .cmsg_len = CMSG_LEN(sizeof info), .cmsg_level = IPPROTO_IP, .cmsg_type = IP_PKTINFO } };
	struct iovec part = { "ping", 4 };
	struct msghdr message = { .msg_name = &there, .msg_namelen = length, .msg_iov = &part, .msg_iovlen = 1,
				  .msg_control = &control, .msg_controllen = CMSG_SPACE(sizeof info) };
	int fd = udp_socket(), on = 1;
	socklen_t size = address_of(&any, there.ss_family == AF_INET ? "0.0.0.0" : "::", "0");
	observe("bind", bind(fd, (struct sockaddr *)&any, size));
	observe("bound", send_there(fd, length));
	observe_back("bound", fd);
	fd = udp_socket();
	observe("device lo", setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3));
	observe("on lo", send_there(fd, length));
	observe_back("on lo", fd);
	fd = udp_socket();
	memcpy(CMSG_DATA(&control.head), &info, sizeof info);
	observe("source device lo", sendmsg(fd, &message, 0));
	observe_back("source device lo", fd);
	if (there.ss_family == AF_INET6) {
		fd = udp_socket();
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
		ssize_t sent = send_there(fd, length);
		observe("IPv6 only", sent);
		observe("IPv6 only connect", connect_to(fd, host, port));
	} else {
		/* The kernel takes IPv4 addresses on IPv6 sockets. */
		fd = socket(AF_INET6, SOCK_DGRAM, 0);
		observe("IPv4 on an IPv6 socket", send_there(fd, length));
		observe("IPv4 connect on an IPv6 socket", connect_to(fd, host, port));
	}
}

/** What arrives says what the kernel knows of the way; only that it is there is the same everywhere. */
static void observe_received_control(void)
{
	int fd = udp_socket(), on = 1;
	bool four = there.ss_family == AF_INET;
	char control[256], text[8];
	struct sockaddr_storage from;
	struct iovec part = { text, sizeof text };
	struct msghdr message = { .msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &part, .msg_iovlen = 1,
				  .msg_control = control, .msg_controllen = sizeof control };
	setsockopt(fd, four ? IPPROTO_IP : IPPROTO_IPV6, four ? IP_PKTINFO : IPV6_RECVPKTINFO, &on, sizeof on);
	send_there(fd, length);
	printf("recvmsg: %zd\n", recvmsg(fd, &message, 0));
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);
	printf("control: %d %d\n", head ? head->cmsg_level : -1, head ? head->cmsg_type : -1);
	printf("name: %s\n", memcmp(&from, &there, length) == 0 ? "the destination" : "another");
	printf("error queue: %zd %s\n", recvmsg(fd, &message, MSG_ERRQUEUE), error_name(errno));
}

int main(int argc, char **argv)
{
	(void)argc;
	host = argv[1];
	port = argv[2];
	length = address_of(&there, host, port);
	observe_pointers();
	observe_addresses();
	observe_restricted();
	observe_received_control();
	return 0;
}
