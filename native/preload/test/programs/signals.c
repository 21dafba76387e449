/* signals HOST PORT restart|plain|storm: signals while connect() waits. Says "waiting" before, and "told" when one came. */
#include "observe.h"

#include <sys/time.h>

static volatile sig_atomic_t came;

static void handler(int number)
{
	(void)number;
	if (!came++)
		write(STDOUT_FILENO, "told\n", 5);
}

static void quiet(int number)
{
	(void)number;
	came++;
}

int main(int argc, char **argv)
{
	const char *host = argv[1], *port = argv[2], *mode = argv[3];
	int storm = strcmp(mode, "storm") == 0;
	struct sigaction action = { .sa_handler = storm ? quiet : handler };
	/* Again and again: the first may come before connect() waits. */
	struct itimerval soon = { { 0, storm ? 500 : 50000 }, { 0, storm ? 500 : 50000 } }, never = { 0 };
	(void)argc;
	if (strcmp(mode, "plain") != 0)
		action.sa_flags = SA_RESTART;
	sigaction(SIGALRM, &action, NULL);
	setvbuf(stdout, NULL, _IONBF, 0);
	int rounds = storm ? 200 : 1, failures = 0;
	setitimer(ITIMER_REAL, &soon, NULL);
	/* Two hundred connects over loopback may be done before some signals have come. */
	for (int i = 0; i < rounds || (storm && came <= 5); i++) {
		int fd = socket_for(host, i % 2 ? SOCK_NONBLOCK : 0);
		int result = connect_to(fd, host, port);
		if (storm) {
			struct pollfd ready = { .fd = fd, .events = POLLOUT };
			int waiting = result < 0 && errno == EINPROGRESS;
			while (waiting && poll(&ready, 1, 5000) < 0 && errno == EINTR)
				;
			failures += (result < 0 && !waiting) || pending_error(fd) != 0;
			close(fd);
			continue;
		}
		int error = errno;
		setitimer(ITIMER_REAL, &never, NULL);
		errno = error;
		observe("connect", result);
		if (result < 0 && errno == EINTR && argc > 4) {
			struct pollfd ready = { .fd = fd, .events = POLLOUT };
			while (poll(&ready, 1, 10000) < 0)
				;
			printf("pending: %s\n", error_name(pending_error(fd)));
		} else if (result < 0 && errno == EINTR) {
			observe_peer(fd, host, port);
			observe("connect again", connect_to(fd, host, port));
		}
		observe("and again", connect_to(fd, host, port));
		observe_peer(fd, host, port);
	}
	if (storm)
		printf("failures: %d, signals: %s\n", failures, came > 5 ? "many" : "few");
	return 0;
}
