/*
 * udp HOST PORT OTHER-PORT: every way to send a datagram to an echo server and to learn whom the answer is from, seen alike on
 * every way there.
 */
#include "observe.h"

#include <netinet/ip.h>
#include <sys/uio.h>

static struct sockaddr_storage there, elsewhere;
static socklen_t length;

static void observe_source(const char *what, const void *name, socklen_t size)
{
	printf("%s: from %s, length %s\n", what,
	       memcmp(name, &there, length) == 0     ? "the destination" :
	       memcmp(name, &elsewhere, length) == 0 ? "elsewhere" : "another",
	       size == length ? "ok" : "wrong");
}

static void observe_recvfrom(const char *what, int fd, int flags)
{
	struct sockaddr_storage from;
	socklen_t size = sizeof from;
	char text[64] = "";
	memset(&from, 0, sizeof from);
	ssize_t got = recvfrom(fd, text, sizeof text - 1, flags, (struct sockaddr *)&from, &size);
	if (got < 0) {
		printf("%s: %s\n", what, error_name(errno));
		return;
	}
	printf("%s: \"%.*s\"\n", what, (int)got, text);
	observe_source(what, &from, size);
}

/** A buffer that is too short has the beginning of the address, nothing beyond it, and the whole length. */
static void observe_short(int fd, socklen_t room)
{
	unsigned char from[64], wanted[64];
	socklen_t size = room;
	char byte;
	sendto(fd, "s", 1, 0, (struct sockaddr *)&there, length);
	memset(from, 0xee, sizeof from);
	memset(wanted, 0xee, sizeof wanted);
	memcpy(wanted, &there, room < length ? room : length);
	ssize_t got = recvfrom(fd, &byte, 1, 0, (struct sockaddr *)from, &size);
	printf("room of %u: %zd, %s, length %s\n", room, got, memcmp(from, wanted, sizeof from) == 0 ? "the beginning" : "wrong",
	       size == length ? "whole" : "wrong");
}

static void observe_messages(int fd)
{
	struct sockaddr_storage from[3], names[3];
	char in[3][8], control[3][128];
	struct iovec out_part[3], in_part[3];
	struct mmsghdr out[3], got[3];
	memset(out, 0, sizeof out);
	memset(got, 0, sizeof got);
	memset(from, 0, sizeof from);
	memset(in, 0, sizeof in);
	for (int i = 0; i < 3; i++) {
		static const char *const texts[3] = { "one", "two", "three" };
		names[i] = i == 1 ? elsewhere : there;
		out_part[i] = (struct iovec){ (void *)texts[i], strlen(texts[i]) };
		in_part[i] = (struct iovec){ in[i], sizeof in[i] };
		out[i].msg_hdr.msg_name = &names[i];
		out[i].msg_hdr.msg_namelen = length;
		out[i].msg_hdr.msg_iov = &out_part[i];
		out[i].msg_hdr.msg_iovlen = 1;
		got[i].msg_hdr.msg_name = &from[i];
		got[i].msg_hdr.msg_namelen = sizeof from[i];
		got[i].msg_hdr.msg_iov = &in_part[i];
		got[i].msg_hdr.msg_iovlen = 1;
		got[i].msg_hdr.msg_control = control[i];
		got[i].msg_hdr.msg_controllen = sizeof control[i];
	}
	printf("sendmsg: %zd\n", sendmsg(fd, &out[0].msg_hdr, 0));
	printf("name unchanged: %d\n", out[0].msg_hdr.msg_name == &names[0] && memcmp(&names[0], &there, length) == 0);
	printf("recvmsg: %zd\n", recvmsg(fd, &got[0].msg_hdr, 0));
	printf("text: %s\n", in[0]);
	observe_source("recvmsg", &from[0], got[0].msg_hdr.msg_namelen);
	got[0].msg_hdr.msg_namelen = sizeof from[0];
	printf("sendmmsg: %d\n", sendmmsg(fd, out, 3, 0));
	printf("lengths: %u %u %u\n", out[0].msg_len, out[1].msg_len, out[2].msg_len);
	int have = 0;
	while (have < 3) {
		int more = recvmmsg(fd, got + have, (unsigned)(3 - have), MSG_WAITFORONE, NULL);
		if (more <= 0)
			break;
		have += more;
	}
	/* Two servers answer: in which order is theirs. */
	for (int i = 0; i < have; i++)
		if (got[i].msg_len == 3 && memcmp(in[i], "two", 3) == 0)
			observe_source("recvmmsg of two", &from[i], got[i].msg_hdr.msg_namelen);
	for (int i = 0; i < have; i++)
		if (got[i].msg_len == 5)
			observe_source("recvmmsg of three", &from[i], got[i].msg_hdr.msg_namelen);
	printf("recvmmsg: %d\n", have);
}

static void observe_sizes(int fd)
{
	static const size_t sizes[] = { 0, 1, 1232, 1233, 1472, 8000, 65507 };
	static char out[65536], in[65536];
	for (size_t i = 0; i < sizeof out; i++)
		out[i] = (char)(i * 7);
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		if (sendto(fd, out, sizes[i], 0, (struct sockaddr *)&there, length) < 0) {
			printf("size %zu: %s\n", sizes[i], error_name(errno));
			continue;
		}
		ssize_t got = recv(fd, in, sizeof in, 0);
		printf("size %zu: %s\n", sizes[i], got == (ssize_t)sizes[i] && memcmp(in, out, sizes[i]) == 0 ? "ok" : "wrong");
	}
	printf("size 65528: %s\n", sendto(fd, out, 65528, 0, (struct sockaddr *)&there, length) < 0 ? error_name(errno) : "ok");
}

static void observe_connected(int fd, const char *host, const char *port, const char *other)
{
	static const struct sockaddr none = { .sa_family = AF_UNSPEC };
	observe("connect", connect_to(fd, host, port));
	observe_peer(fd, host, port);
	observe_echo(fd);
	printf("send: %zd\n", send(fd, "again", 5, 0));
	observe_recvfrom("peek", fd, MSG_PEEK);
	observe_recvfrom("connected", fd, 0);
	/* Its answer may come before or after the next connect(). */
	printf("sendto elsewhere: %zd\n", sendto(fd, "", 0, 0, (struct sockaddr *)&elsewhere, length));
	observe("connect elsewhere", connect_to(fd, host, other));
	observe_peer(fd, host, other);
	printf("send elsewhere: %zd\n", send(fd, "there", 5, 0));
	char text[8] = "";
	while (recv(fd, text, sizeof text - 1, 0) == 0)
		;
	printf("from elsewhere: %s\n", text);
	observe("disconnect", connect(fd, &none, sizeof none));
	observe_peer(fd, host, other);
	printf("sendto after that: %zd\n", sendto(fd, "after", 5, 0, (struct sockaddr *)&there, length));
	observe_recvfrom("unconnected again", fd, 0);
}

int main(int argc, char **argv)
{
	const char *host = argv[1], *port = argv[2], *other = argv[3];
	struct timeval limit = { .tv_sec = 10 };
	int on = 1;
	(void)argc;
	length = address_of(&there, host, port);
	address_of(&elsewhere, host, other);
	int fd = socket(there.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	printf("sendto: %zd\n", sendto(fd, "first", 5, 0, (struct sockaddr *)&there, length));
	observe_recvfrom("peek", fd, MSG_PEEK);
	observe_recvfrom("recvfrom", fd, 0);
	printf("sendto again: %zd\n", sendto(fd, "much too long", 13, 0, (struct sockaddr *)&there, length));
	char two[2];
	struct sockaddr_storage from;
	socklen_t size = sizeof from;
	printf("truncated: %zd\n", recvfrom(fd, two, 2, MSG_TRUNC, (struct sockaddr *)&from, &size));
	observe_source("truncated", &from, size);
	for (socklen_t room = 0; room <= length; room += 4)
		observe_short(fd, room);
	setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on);
	observe_messages(fd);
	observe_sizes(fd);
	int twin = dup(fd);
	fflush(stdout);
	if (fork() == 0) {
		sendto(twin, "child", 5, 0, (struct sockaddr *)&there, length);
		observe_recvfrom("in a child, by a duplicate", twin, 0);
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	observe_connected(fd, host, port, other);
	observe_connected(socket(there.ss_family, SOCK_DGRAM, 0), host, port, other);
	return 0;
}
