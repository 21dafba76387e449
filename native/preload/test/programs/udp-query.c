/* udp-query RESOLVER NAME: asks port 53 for an address with a resolver of its own. */
#include "observe.h"

/** Writes a query for A (RFC 1035); returns its length. */
static size_t query_for(unsigned char *out, const char *name)
{
	static const unsigned char head[12] = { 0x12, 0x34, 1, 0, 0, 1 }, tail[5] = { 0, 0, 1, 0, 1 };
	size_t at = sizeof head;
	memcpy(out, head, sizeof head);
	while (*name) {
		size_t label = strcspn(name, ".");
		out[at++] = (unsigned char)label;
		memcpy(out + at, name, label);
		at += label;
		name += label + (name[label] == '.');
	}
	memcpy(out + at, tail, sizeof tail);
	return at + sizeof tail;
}

static void observe_answer(const char *what, int fd, const char *resolver, size_t asked)
{
	struct sockaddr_storage there, from;
	socklen_t length = address_of(&there, resolver, "53"), size = sizeof from;
	unsigned char answer[512];
	char text[INET_ADDRSTRLEN] = "none";
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	memset(&from, 0, sizeof from);
	poll(&ready, 1, 10000);
	ssize_t got = recvfrom(fd, answer, sizeof answer, MSG_DONTWAIT, (struct sockaddr *)&from, &size);
	/* The only record follows the question, and ends with the address. */
	if (got >= (ssize_t)asked + 16 && answer[0] == 0x12 && answer[1] == 0x34 && answer[7] >= 1)
		inet_ntop(AF_INET, answer + asked + 12, text, sizeof text);
	printf("%s: %s from %s\n", what, text,
	       size == length && memcmp(&from, &there, length) == 0 ? "the resolver" : "another");
}

int main(int argc, char **argv)
{
	struct sockaddr_storage there;
	socklen_t length = address_of(&there, argv[1], "53");
	unsigned char query[300];
	size_t asked = query_for(query, argv[2]);
	int fd = socket(there.ss_family, SOCK_DGRAM, 0), connected = socket(there.ss_family, SOCK_DGRAM, 0);
	(void)argc;
	sendto(fd, query, asked, 0, (struct sockaddr *)&there, length);
	observe_answer("unconnected", fd, argv[1], asked);
	connect(connected, (struct sockaddr *)&there, length);
	send(connected, query, asked, 0);
	observe_answer("connected", connected, argv[1], asked);
	return 0;
}
