/*
 * bad-pointers HOST TCPPORT UDPPORT: what no call can use, given to the calls that take addresses and messages, on TCP and
 * UDP sockets: the kernel's errnos, and nothing else happens.
 */
#include "observe.h"

#include <sys/mman.h>
#include <sys/uio.h>

static char *page, *hole;
static const char *host, *port, *kind;
static struct sockaddr_storage there;
static socklen_t whole;
static int type, fd;

static void say(const char *what, long result)
{
	printf("%s, %s: ", kind, what);
	if (result >= 0)
		printf("%ld\n", result);
	else
		printf("%s\n", error_name(errno));
}

/* One datagram, or four bytes, are there to be had. */
static void await_bytes(void)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	if (poll(&ready, 1, 0) == 1)
		return;
	if (type == SOCK_STREAM)
		send(fd, "ping", 4, 0);
	else
		sendto(fd, "ping", 4, 0, (struct sockaddr *)&there, whole);
	poll(&ready, 1, 10000);
}

static void receive(const char *what, void *bytes, size_t size, void *address, socklen_t *length)
{
	await_bytes();
	say(what, recvfrom(fd, bytes, size, MSG_PEEK | MSG_DONTWAIT, address, length));
}

static void receive_all_ways(void)
{
	char bytes[8], odd[64];
	socklen_t length = sizeof there, absurd = (socklen_t)-1;
	receive("bytes nowhere", hole, 4, NULL, NULL);
	receive("bytes half nowhere", hole - 2, 4, NULL, NULL);
	receive("address nowhere", bytes, 4, hole, &length);
	receive("length NULL", bytes, 4, odd, NULL);
	receive("length nowhere", bytes, 4, odd, (socklen_t *)hole);
	receive("length half nowhere", bytes, 4, odd, (socklen_t *)(hole - 2));
	receive("length negative", bytes, 4, odd, &absurd);
	for (socklen_t room = 0; room < 32; room++) {
		/* Half a port is the flow socket's. */
		if (room == 3)
			continue;
		memset(odd, 0x55, sizeof odd);
		length = room;
		receive("room for less", bytes, 4, odd, &length);
		printf("%u", length);
		for (socklen_t i = 0; i < room && i < whole; i++)
			if (type == SOCK_DGRAM && odd[i] != ((char *)&there)[i])
				printf(" %u differs", i);
		printf(" %d\n", odd[room]);
	}
	memcpy(odd + 1, &(socklen_t){ sizeof there }, sizeof(socklen_t));
	receive("misaligned", bytes + 1, 4, odd + 9, (socklen_t *)(odd + 1));
}

static void receive_message(const char *what, struct msghdr message)
{
	await_bytes();
	say(what, recvmsg(fd, &message, MSG_PEEK | MSG_DONTWAIT));
	printf("%u %zu\n", message.msg_namelen, (size_t)message.msg_controllen);
}

static void receive_messages(void)
{
	char bytes[8], control[64];
	struct sockaddr_storage from;
	struct iovec part = { bytes, 4 }, bad_part = { hole, 4 }, absurd_part = { bytes, (size_t)-1 };
	struct msghdr good = { .msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &part, .msg_iovlen = 1 }, bad = good;
	bad.msg_name = hole;
	receive_message("name nowhere", bad);
	bad = good;
	bad.msg_namelen = (socklen_t)-1;
	receive_message("name's length negative", bad);
	bad.msg_namelen = 3;
	receive_message("name short", bad);
	bad.msg_namelen = 100000;
	receive_message("name long", bad);
	bad = good;
	bad.msg_iov = &bad_part;
	receive_message("bytes nowhere", bad);
	bad.msg_iov = &absurd_part;
	receive_message("bytes without end", bad);
	bad.msg_iov = (struct iovec *)hole;
	receive_message("parts nowhere", bad);
	bad = good;
	bad.msg_iovlen = 100000;
	receive_message("parts without end", bad);
	bad = good;
	bad.msg_control = control;
	bad.msg_controllen = 3;
	receive_message("control short", bad);
#ifdef __GLIBC__
	/* musl reads and writes these itself. */
	struct mmsghdr many[2] = { { .msg_hdr = good }, { .msg_hdr = good } };
	struct timespec never = { -1, -1 };
	bad.msg_control = hole;
	bad.msg_controllen = 64;
	receive_message("control nowhere", bad);
	await_bytes();
	say("message NULL", recvmsg(fd, NULL, MSG_DONTWAIT));
	say("message nowhere", recvmsg(fd, (struct msghdr *)hole, MSG_DONTWAIT));
	say("message half nowhere", recvmsg(fd, (struct msghdr *)(hole - 16), MSG_DONTWAIT));
	say("messages NULL", recvmmsg(fd, NULL, 1, MSG_DONTWAIT, NULL));
	say("messages nowhere", recvmmsg(fd, (struct mmsghdr *)hole, 2, MSG_DONTWAIT, NULL));
	say("no messages", recvmmsg(fd, many, 0, MSG_DONTWAIT, NULL));
	say("messages' time", recvmmsg(fd, many, 1, MSG_DONTWAIT, &never));
	say("messages' time nowhere", recvmmsg(fd, many, 1, MSG_DONTWAIT, (struct timespec *)hole));
	memcpy(hole - sizeof many[0], many, sizeof many[0]);
	say("messages half nowhere", recvmmsg(fd, (struct mmsghdr *)(hole - sizeof many[0]), 2, MSG_DONTWAIT | MSG_PEEK, NULL));
#endif
}

static void send_messages(void)
{
	struct iovec part = { "ping", 4 }, absurd_part = { "ping", (size_t)-1 };
	struct msghdr good = { .msg_name = &there, .msg_namelen = whole, .msg_iov = &part, .msg_iovlen = 1 }, bad = good;
	char control[64] = "";
	say("send no message", sendmsg(fd, NULL, 0));
	bad.msg_namelen = (socklen_t)-1;
	say("send to a negative length", sendmsg(fd, &bad, 0));
	bad.msg_iov = &absurd_part;
	bad.msg_namelen = whole;
	say("send without end", sendmsg(fd, &bad, 0));
	bad = good;
	bad.msg_iovlen = 100000;
	say("send parts without end", sendmsg(fd, &bad, 0));
	bad = good;
	bad.msg_control = control;
	bad.msg_controllen = sizeof control;
	say("send control of nothing", sendmsg(fd, &bad, MSG_DONTWAIT));
#ifdef __GLIBC__
	bad.msg_controllen = 100000000;
	say("send control without end", sendmsg(fd, &bad, 0));
	say("send message nowhere", sendmsg(fd, (struct msghdr *)hole, 0));
	say("send messages nowhere", sendmmsg(fd, (struct mmsghdr *)hole, 2, 0));
	say("send messages NULL", sendmmsg(fd, NULL, 2, 0));
	say("send no messages", sendmmsg(fd, NULL, 0, 0));
#endif
}

static void name(const char *what, int (*ask)(int, struct sockaddr *, socklen_t *), void *address, socklen_t *length)
{
	printf("%s ", what);
	say("name", ask(fd, address, length));
}

static void ask_names(const char *what, int (*ask)(int, struct sockaddr *, socklen_t *))
{
	char odd[64];
	socklen_t length = sizeof there;
	name(what, ask, NULL, &length);
	length = 16;
	name(what, ask, hole, &length);
	name(what, ask, odd, NULL);
	name(what, ask, odd, (socklen_t *)hole);
	for (int room = -1; room < 32; room++) {
		length = (socklen_t)room;
		memset(odd, 0x55, sizeof odd);
		name(what, ask, odd, &length);
		printf("%u %d\n", length, room < 0 ? 0 : odd[room]);
	}
}

static void ask_options(void)
{
	char odd[8];
	socklen_t length;
	int value = 0;
	length = 4;
	say("option nowhere", getsockopt(fd, SOL_SOCKET, SO_ERROR, hole, &length));
	say("option NULL", getsockopt(fd, SOL_SOCKET, SO_ERROR, NULL, &length));
	say("option's length NULL", getsockopt(fd, SOL_SOCKET, SO_ERROR, &value, NULL));
	say("option's length nowhere", getsockopt(fd, SOL_SOCKET, SO_ERROR, &value, (socklen_t *)hole));
	for (int room = -1; room < 6; room++) {
		length = (socklen_t)room;
		say("option of less", getsockopt(fd, SOL_SOCKET, SO_ERROR, odd + 1, &length));
		printf("%u\n", length);
	}
}

int main(int argc, char **argv)
{
	(void)argc;
	host = argv[1];
	page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	hole = page + 4096;
	munmap(hole, 4096);
	for (int way = 0; way < 3; way++) {
		kind = (const char *[]){ "TCP", "UDP", "connected UDP" }[way];
		type = way == 0 ? SOCK_STREAM : SOCK_DGRAM;
		port = argv[way == 0 ? 2 : 3];
		whole = address_of(&there, host, port);
		fd = socket(there.ss_family, type, 0);
		if (way != 1)
			say("connect", connect_to(fd, host, port));
		await_bytes();
		receive_all_ways();
		receive_messages();
		send_messages();
		if (way != 1)
			ask_names("peer's", getpeername);
		ask_options();
		close(fd);
	}
	return 0;
}
