/* again HOST BADPORT PORT: after a failed connect() the same descriptor connects; after that it is connected. */
#include "observe.h"

int main(int argc, char **argv)
{
	struct sockaddr_storage local;
	socklen_t length = sizeof local;
	const char *host = argv[1];
	int bound = argc > 4;
	int fd = socket_for(host, 0);
	in_port_t *port = &((struct sockaddr_in *)&local)->sin_port;
	if (bound) {
		memset(&local, 0, sizeof local);
		local.ss_family = strchr(host, ':') ? AF_INET6 : AF_INET;
		bind(fd, (struct sockaddr *)&local, strchr(host, ':') ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in));
		getsockname(fd, (struct sockaddr *)&local, &length);
	}
	in_port_t before = *port;
	for (int i = 0; i < 3; i++) {
		observe("refused", connect_to(fd, host, argv[2]));
		printf("pending: %s\n", error_name(pending_error(fd)));
		observe_peer(fd, host, argv[2]);
		struct pollfd state = { .fd = fd, .events = POLLIN | POLLOUT };
		int ready = poll(&state, 1, 0);
		printf("poll: %d %x\n", ready, (unsigned)state.revents);
	}
	observe("connect", connect_to(fd, host, argv[3]));
	observe("connect again", connect_to(fd, host, argv[3]));
	observe("to another", connect_to(fd, host, argv[2]));
	observe_peer(fd, host, argv[3]);
	observe_echo(fd);
	if (bound) {
		length = sizeof local;
		getsockname(fd, (struct sockaddr *)&local, &length);
		printf("bound port kept: %d\n", *port == before);
	}
	struct sockaddr none = { .sa_family = AF_UNSPEC };
	observe("disconnect", connect(fd, &none, sizeof none));
	observe_peer(fd, host, argv[3]);
	pending_error(fd);
	observe("connect anew", connect_to(fd, host, argv[3]));
	observe_peer(fd, host, argv[3]);
	observe_echo(fd);
	return 0;
}
