/*
 * udp-elsewhere HOST PORT: a socket that has flows, in processes that asked for none: a program that is executed with it, and
 * one that receives it. Run again as "udp-elsewhere HOST PORT FD" it is that program.
 */
#include "observe.h"

#include <sys/uio.h>

static void observe_answer(const char *what, int fd, const char *host, const char *port, const char *text)
{
	struct sockaddr_storage there, from;
	socklen_t length = address_of(&there, host, port), size = sizeof from;
	char got[16] = "";
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	memset(&from, 0, sizeof from);
	poll(&ready, 1, 10000);
	recvfrom(fd, got, sizeof got - 1, MSG_DONTWAIT, (struct sockaddr *)&from, &size);
	printf("%s: %s from %s\n", what, strcmp(got, text) == 0 ? "the answer" : "nothing",
	       size == length && memcmp(&from, &there, length) == 0 ? "the destination" : "another");
	fflush(stdout);
}

static void pass(int channel, int fd)
{
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { .head = { .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS } };
	struct iovec part = { "x", 1 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control };
	memcpy(CMSG_DATA(&control.head), &fd, sizeof fd);
	if (sendmsg(channel, &message, 0) != 1)
		exit(3);
}

static int take(int channel)
{
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	char byte;
	int fd;
	struct iovec part = { &byte, 1 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control };
	if (recvmsg(channel, &message, 0) != 1)
		exit(3);
	memcpy(&fd, CMSG_DATA(&control.head), sizeof fd);
	return fd;
}

int main(int argc, char **argv)
{
	const char *host = argv[1], *port = argv[2];
	struct sockaddr_storage there;
	socklen_t length = address_of(&there, host, port);
	char number[16];
	int pair[2];
	if (argc > 3) {
		observe_answer("executed", atoi(argv[3]), host, port, "exec");
		return 0;
	}
	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	if (fork() == 0) { /* before the first flow: it has no board */
		int fd = take(pair[1]);
		observe_peer(fd, host, port);
		observe_answer("received", fd, host, port, "pass");
		_exit(0);
	}
	int fd = socket(there.ss_family, SOCK_DGRAM, 0), connected = socket(there.ss_family, SOCK_DGRAM, 0);
	observe("connect", connect(connected, (struct sockaddr *)&there, length));
	fflush(stdout); /* what the child prints comes after it */
	send(connected, "pass", 4, 0);
	pass(pair[0], connected);
	wait(NULL);
	sendto(fd, "exec", 4, 0, (struct sockaddr *)&there, length);
	snprintf(number, sizeof number, "%d", fd);
	execl(argv[0], argv[0], host, port, number, NULL);
	return 1;
}
