/*
 * sequence HOST COUNT program|peer: COUNT connections one after another to a server of its own, by a way that leads from HOST
 * back to loopback; the program, or its peer, closes first.
 */
#include "observe.h"

#include <netinet/tcp.h>

static void serve(int listener, int closes_first)
{
	for (;;) {
		char byte;
		int fd = accept(listener, NULL, NULL);
		if (fd < 0)
			_exit(1);
		if (closes_first)
			shutdown(fd, SHUT_WR);
		while (read(fd, &byte, 1) > 0)
			;
		close(fd);
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_in local = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t length = sizeof local;
	const char *host = argv[1];
	int count = atoi(argv[2]), peer_first = strcmp(argv[3], "peer") == 0, done = 0, error = 0;
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	char port[8], byte;
	(void)argc;
	if (bind(listener, (struct sockaddr *)&local, sizeof local) < 0 || listen(listener, 128) < 0)
		return 2;
	getsockname(listener, (struct sockaddr *)&local, &length);
	snprintf(port, sizeof port, "%u", ntohs(local.sin_port));
	pid_t server = fork();
	if (server == 0)
		serve(listener, peer_first);
	close(listener);
	for (; done < count; done++) {
		int fd = socket_for(host, 0);
		if (connect_to(fd, host, port) < 0 || (peer_first && read(fd, &byte, 1) != 0)) {
			error = errno;
			break;
		}
		close(fd);
	}
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	printf("connections: %d\nerror: %s\n", done, error_name(error));
	return 0;
}
