/* by-name NAME PORT FAMILY: getaddrinfo(), then connect() to what it gave. */
#include "observe.h"

#include <netdb.h>

int main(int argc, char **argv)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_family = atoi(argv[3]) }, *list;
	(void)argc;
	if (getaddrinfo(argv[1], argv[2], &hints, &list) != 0)
		return 3;
	for (struct addrinfo *info = list; info; info = info->ai_next) {
		char host[INET6_ADDRSTRLEN];
		int fd = socket(info->ai_family, info->ai_socktype, info->ai_protocol);
		getnameinfo(info->ai_addr, info->ai_addrlen, host, sizeof host, NULL, 0, NI_NUMERICHOST);
		printf("family %d ", info->ai_family);
		observe("connect", connect(fd, info->ai_addr, info->ai_addrlen));
		observe_peer(fd, host, argv[2]);
		observe_echo(fd);
		char name[300] = "";
		getnameinfo(info->ai_addr, info->ai_addrlen, name, sizeof name, NULL, 0, NI_NAMEREQD);
		printf("name: %s\n", name);
		close(fd);
	}
	freeaddrinfo(list);
	return 0;
}
