/* flags HOST PORT: another thread sees no change of O_NONBLOCK while connect() waits. */
#include "observe.h"

#include <pthread.h>

static int fd;
static const char *host, *port;

static void *watch(void *argument)
{
	struct timespec pause = { 0, 1000000 };
	int changes = 0, flags = fcntl(fd, F_GETFL);
	(void)argument;
	printf("flags at first: %d\n", flags & O_NONBLOCK);
	for (int i = 0; i < 100; i++) {
		changes += fcntl(fd, F_GETFL) != flags;
		nanosleep(&pause, NULL);
	}
	printf("changes: %d\nwatched\n", changes);
	fflush(stdout);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t watcher;
	(void)argc;
	host = argv[1];
	port = argv[2];
	fd = socket_for(host, 0);
	pthread_create(&watcher, NULL, watch, NULL);
	int result = connect_to(fd, host, port);
	pthread_join(watcher, NULL);
	observe("connect", result);
	observe_peer(fd, host, port);
	return 0;
}
