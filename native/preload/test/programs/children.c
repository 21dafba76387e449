/* children HOST PORT clone|daemon|_Fork: a connect(), and one by a child that was made without fork() and goes on in its place. */
#include "observe.h"

#include <sched.h>

#ifdef __GLIBC__
pid_t _Fork(void);
#else
#define _Fork fork
#endif

static const char *host, *port;

static int dial(void *argument)
{
	int fd = socket_for(host, 0);
	(void)argument;
	observe("connect", connect_to(fd, host, port));
	observe_peer(fd, host, port);
	return 0;
}

int main(int argc, char **argv)
{
	static char stack[262144] __attribute__((aligned(16)));
	const char *mode = argv[3];
	(void)argc;
	setvbuf(stdout, NULL, _IONBF, 0);
	host = argv[1];
	port = argv[2];
	dial(NULL);
	if (strcmp(mode, "daemon") == 0) {
		/* The test reads to the end of the pipes, which the child has. */
		if (daemon(1, 1) < 0)
			return 1;
		return dial(NULL);
	}
	pid_t child = strcmp(mode, "clone") == 0 ? clone(dial, stack + sizeof stack, SIGCHLD, NULL) : _Fork();
	if (child == 0)
		_exit(dial(NULL));
	waitpid(child, NULL, 0);
	return 0;
}
