/* from-handler HOST PORT OTHER: a handler of SIGUSR1 that interrupts connect() to OTHER connects to PORT itself, as POSIX allows. */
#include "observe.h"

static const char *host, *port;
static volatile sig_atomic_t inner = -1;

static void handler(int number)
{
	int saved = errno, fd = socket_for(host, 0);
	(void)number;
	inner = connect_to(fd, host, port);
	close(fd);
	errno = saved;
	write(STDOUT_FILENO, "told\n", 5);
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = SA_RESTART };
	(void)argc;
	host = argv[1];
	port = argv[2];
	sigaction(SIGUSR1, &action, NULL);
	int fd = socket_for(host, 0);
	observe("connect", connect_to(fd, host, argv[3]));
	printf("in the handler: %d\n", inner);
	observe_peer(fd, host, argv[3]);
	return 0;
}
