/* bound SOURCE HOST PORT: a socket bound before its connect() shows what it was bound to. */
#include "observe.h"

int main(int argc, char **argv)
{
	struct sockaddr_storage source, local;
	socklen_t length = address_of(&source, argv[1], "0"), local_length = sizeof local;
	int fd = socket_for(argv[1], 0);
	(void)argc;
	observe("bind", bind(fd, (struct sockaddr *)&source, length));
	getsockname(fd, (struct sockaddr *)&source, &length);
	if (observe("connect", connect_to(fd, argv[2], argv[3])) < 0)
		return 0;
	getsockname(fd, (struct sockaddr *)&local, &local_length);
	/* Bound to any address: the kernel then shows the one it connects from. */
	if (strcmp(argv[1], "0.0.0.0") == 0)
		((struct sockaddr_in *)&local)->sin_addr.s_addr = 0;
	if (strcmp(argv[1], "::") == 0)
		((struct sockaddr_in6 *)&local)->sin6_addr = in6addr_any;
	printf("bound: %d\n", local_length == length && memcmp(&local, &source, length) == 0);
	observe_peer(fd, argv[2], argv[3]);
	observe_echo(fd);
	return 0;
}
