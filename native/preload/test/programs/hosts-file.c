/* hosts-file NAME ADDRESS4 ADDRESS6: what a line of /etc/hosts gives to each call. */
#include "observe.h"

#include <netdb.h>

static void forward(const char *name, int family, int flags)
{
	struct addrinfo hints = { .ai_family = family, .ai_socktype = SOCK_STREAM, .ai_flags = flags }, *list = NULL;
	int status = getaddrinfo(name, "80", &hints, &list);
	char last[64] = "";
	printf("family %d, flags %d: %d\n", family, flags, status);
	if (status != 0)
		return;
	for (struct addrinfo *info = list; info; info = info->ai_next) {
		char host[64];
		getnameinfo(info->ai_addr, info->ai_addrlen, host, sizeof host, NULL, 0, NI_NUMERICHOST);
		/* For IPv4 glibc takes the line of ::1 as one more of 127.0.0.1. */
		if (strcmp(host, last) == 0)
			continue;
		strcpy(last, host);
		/* musl gives one unasked. */
		printf("  %s %s\n", host, (flags & AI_CANONNAME) && info->ai_canonname ? info->ai_canonname : "-");
	}
	freeaddrinfo(list);
}

static void backward(const char *address)
{
	struct sockaddr_storage there;
	char host[300];
	socklen_t length = address_of(&there, address, "80");
	int status = getnameinfo((struct sockaddr *)&there, length, host, sizeof host, NULL, 0, NI_NAMEREQD);
	printf("%s: %s\n", address, status == 0 ? host : "unknown");
}

int main(int argc, char **argv)
{
	(void)argc;
	forward(argv[1], AF_INET, 0);
	forward(argv[1], AF_INET6, 0);
	forward(argv[1], AF_INET, AI_CANONNAME);
	forward(argv[1], AF_UNSPEC, 0);
	forward("localhost", AF_UNSPEC, 0);
	forward("localhost", AF_INET, 0);
	forward("localhost", AF_INET6, 0);
	struct hostent *entry = gethostbyname(argv[1]);
	char text[INET_ADDRSTRLEN];
	if (entry)
		printf("gethostbyname: %s %s\n", entry->h_name, inet_ntop(AF_INET, entry->h_addr_list[0], text, sizeof text));
	backward(argv[2]);
	backward(argv[3]);
	backward("127.0.0.1");
	return 0;
}
