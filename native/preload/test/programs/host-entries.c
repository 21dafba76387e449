/* host-entries NAME ADDRESS4 ADDRESS6 UNKNOWN: the older calls. */
#include "observe.h"

#include <netdb.h>

#ifndef NETDB_INTERNAL /* musl has the value and not the name */
#define NETDB_INTERNAL (-1)
#endif

/* h_errno is to be read after the call: an argument beside it may be evaluated first. */
#define SHOW(what, call)                              \
	do {                                          \
		const struct hostent *entry_ = (call); \
		show(what, entry_, h_errno);          \
	} while (0)

static void show(const char *what, const struct hostent *entry, int error)
{
	char text[INET6_ADDRSTRLEN];
	if (!entry) {
		printf("%s: %s\n", what,
		       error == HOST_NOT_FOUND ? "HOST_NOT_FOUND"
		       : error == TRY_AGAIN    ? "TRY_AGAIN"
		       : error == NETDB_INTERNAL ? "NETDB_INTERNAL"
						 : "another error");
		return;
	}
	printf("%s: %s", what, entry->h_name);
	for (char **at = entry->h_aliases; *at; at++)
		printf(" alias %s", *at);
	for (char **at = entry->h_addr_list; *at; at++)
		printf(" %s", inet_ntop(entry->h_addrtype, *at, text, sizeof text));
	printf(" length %d\n", entry->h_length);
}

static void reentrant(const char *what, const char *name, int family, size_t size)
{
	char buffer[1024];
	struct hostent entry, *result = (void *)1;
	int error = 0;
	int status = family ? gethostbyname2_r(name, family, &entry, buffer, size, &result, &error)
			    : gethostbyname_r(name, &entry, buffer, size, &result, &error);
	printf("status %s, ", status == ERANGE ? "ERANGE" : status == EAGAIN ? "EAGAIN" : status ? "other" : "0");
	show(what, result, error);
}

static void reverse(const char *what, const char *address)
{
	struct sockaddr_storage there;
	char host[300] = "", service[40] = "", buffer[1024];
	struct hostent entry, *result = NULL;
	int error = 0, family = strchr(address, ':') ? AF_INET6 : AF_INET;
	socklen_t length = address_of(&there, address, "80");
	const void *bytes = family == AF_INET ? (void *)&((struct sockaddr_in *)&there)->sin_addr
					      : (void *)&((struct sockaddr_in6 *)&there)->sin6_addr;
	socklen_t size = family == AF_INET ? 4 : 16;
	SHOW(what, gethostbyaddr(bytes, size, family));
	gethostbyaddr_r(bytes, size, family, &entry, buffer, sizeof buffer, &result, &error);
	show(what, result, error);
	int flags[] = { 0, NI_NAMEREQD, NI_NUMERICHOST | NI_NUMERICSERV };
	for (int i = 0; i < 3; i++) {
		int status = getnameinfo((struct sockaddr *)&there, length, host, sizeof host, service, sizeof service, flags[i]);
		printf("%s with %d: %s\n", what, i, status == 0 ? "ok" : status == EAI_NONAME ? "EAI_NONAME"
				 : status == EAI_AGAIN ? "EAI_AGAIN" : "other");
		if (status == 0)
			printf("  %s %s\n", host, service);
	}
	printf("service alone: %d", getnameinfo((struct sockaddr *)&there, length, NULL, 0, service, sizeof service, 0));
	printf(" %s\n", service);
	printf("no room: %d\n", getnameinfo((struct sockaddr *)&there, length, host, 2, NULL, 0, 0) == EAI_OVERFLOW);
}

int main(int argc, char **argv)
{
	int before = open_descriptors();
	(void)argc;
	SHOW("gethostbyname", gethostbyname(argv[1]));
	SHOW("gethostbyname2", gethostbyname2(argv[1], AF_INET6));
	SHOW("of a number", gethostbyname("192.0.2.7"));
	SHOW("unknown", gethostbyname(argv[4]));
	reentrant("gethostbyname_r", argv[1], 0, 1024);
	reentrant("gethostbyname2_r", argv[1], AF_INET6, 1024);
	reentrant("too small", argv[1], 0, 20);
	reentrant("unknown", argv[4], 0, 1024);
	reverse("reverse", argv[2]);
	reverse("reverse IPv6", argv[3]);
	reverse("unknown", "100.64.9.9");
	printf("descriptors left: %d\n", open_descriptors() - before);
	return 0;
}
