/* lookup NODE4 NODE6 BOTH: getaddrinfo() in many forms. The nodes are names or addresses: the answers look alike. */
#include "observe.h"

#include <netdb.h>

static const char *status_name(int status)
{
	static char other[16];
	switch (status) {
	case 0: return "0";
	case EAI_NONAME: return "EAI_NONAME";
	case EAI_AGAIN: return "EAI_AGAIN";
	case EAI_FAMILY: return "EAI_FAMILY";
	case EAI_SERVICE: return "EAI_SERVICE";
	case EAI_SOCKTYPE: return "EAI_SOCKTYPE";
	case EAI_BADFLAGS: return "EAI_BADFLAGS";
	}
	snprintf(other, sizeof other, "%d", status);
	return other;
}

static void look(const char *what, const char *node, const char *service, const struct addrinfo *hints)
{
	struct addrinfo *list = NULL;
	errno = 0;
	int status = getaddrinfo(node, service, hints, &list);
	printf("%s: %s%s\n", what, status_name(status), status == 0 && errno ? " errno changed" : "");
	if (status != 0)
		return;
	for (struct addrinfo *info = list; info; info = info->ai_next) {
		char text[INET6_ADDRSTRLEN];
		struct sockaddr_in *in = (struct sockaddr_in *)info->ai_addr;
		struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)info->ai_addr;
		inet_ntop(info->ai_family, info->ai_family == AF_INET ? (void *)&in->sin_addr : (void *)&in6->sin6_addr, text,
			  sizeof text);
		printf("  %d %d %d %u %s %d %s\n", info->ai_family, info->ai_socktype, info->ai_protocol, info->ai_addrlen,
		       text, ntohs(in->sin_port), info->ai_canonname ? "canonical" : "-");
	}
	/* POSIX lets a program free a list in parts. */
	if (list && list->ai_next) {
		struct addrinfo *rest = list->ai_next;
		list->ai_next = NULL;
		freeaddrinfo(rest);
	}
	freeaddrinfo(list);
}

int main(int argc, char **argv)
{
	const char *four = argv[1], *six = argv[2], *none = argc > 3 ? argv[3] : NULL;
	struct addrinfo h = { 0 };
	int before = open_descriptors();
	look("no hints", four, "80", NULL);
	look("no service", four, NULL, NULL);
	look("service by name", four, "http", NULL);
	look("service of no kind", four, "no-such-service", NULL);
	h.ai_socktype = SOCK_STREAM;
	look("stream", four, "443", &h);
	look("stream, IPv6", six, "443", &h);
	h.ai_family = AF_INET;
	look("inet stream", four, "443", &h);
	h.ai_flags = AI_CANONNAME | AI_NUMERICSERV;
	look("canonical", four, "443", &h);
	look("numeric service that is a name", four, "http", &h);
	h.ai_flags = AI_PASSIVE;
	look("passive", four, "443", &h);
	h.ai_flags = AI_V4MAPPED;
	h.ai_family = AF_INET6;
	look("v4-mapped", four, "443", &h);
	look("v4-mapped of IPv6", six, "443", &h);
	h.ai_flags = AI_V4MAPPED | AI_ALL;
	look("all of IPv4", four, "443", &h);
	h.ai_flags = 0;
	look("inet6 stream", six, "443", &h);
	h = (struct addrinfo){ .ai_socktype = SOCK_DGRAM, .ai_protocol = IPPROTO_UDP };
	look("datagram", four, "53", &h);
	h = (struct addrinfo){ .ai_socktype = SOCK_DGRAM, .ai_protocol = IPPROTO_TCP };
	look("datagram over TCP", four, "53", &h);
	h = (struct addrinfo){ .ai_family = 99 };
	look("unknown family", four, "53", &h);
	h = (struct addrinfo){ .ai_flags = 0x40000000 };
	look("unknown flag", four, "53", &h);
	h = (struct addrinfo){ .ai_flags = AI_NUMERICHOST };
	look("passive, no node", NULL, "80", &h);
	look("nothing", NULL, NULL, NULL);
	if (none) {
		look("numeric wanted", none, "80", &h);
		look("no such name", none, "80", NULL);
		h = (struct addrinfo){ .ai_family = AF_INET6 };
		look("no such family", four, "80", &h);
	}
	printf("descriptors left: %d\n", open_descriptors() - before);
	return 0;
}
