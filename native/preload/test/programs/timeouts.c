/* timeouts HOST PORT send|receive: SO_SNDTIMEO bounds connect(), SO_RCVTIMEO does not. */
#include "observe.h"

#include <sys/time.h>

int main(int argc, char **argv)
{
	const char *host = argv[1], *port = argv[2];
	int sending = strcmp(argv[3], "send") == 0;
	struct timeval limit = { 0, 60000 }, seen = { 0, 0 };
	socklen_t length = sizeof seen;
	int fd = socket_for(host, 0);
	(void)argc;
	setvbuf(stdout, NULL, _IONBF, 0);
	setsockopt(fd, SOL_SOCKET, sending ? SO_SNDTIMEO : SO_RCVTIMEO, &limit, sizeof limit);
	int result = observe("connect", connect_to(fd, host, port));
	if (result < 0) {
		observe_peer(fd, host, port);
		observe("connect again", connect_to(fd, host, port));
		fcntl(fd, F_SETFL, O_NONBLOCK);
		observe("without waiting", connect_to(fd, host, port));
		fcntl(fd, F_SETFL, 0);
		printf("late\n");
		while ((result = connect_to(fd, host, port)) < 0 && errno == EALREADY)
			;
		observe("at last", result);
	}
	observe("then", connect_to(fd, host, port));
	observe_peer(fd, host, port);
	getsockopt(fd, SOL_SOCKET, sending ? SO_SNDTIMEO : SO_RCVTIMEO, &seen, &length);
	printf("the timeout is kept: %d\n", seen.tv_usec == limit.tv_usec);
	return 0;
}
