/* storm HOST PORT BADPORT NAME: threads that connect, close, look up and fork, under a signal every millisecond. */
#include "observe.h"

#include <netdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/time.h>

enum { THREADS = 8, ROUNDS = 60 };

static const char *host, *port, *bad_port, *name;
static _Atomic int failures, signals;

static void handler(int number)
{
	(void)number;
	atomic_fetch_add_explicit(&signals, 1, memory_order_relaxed);
}

static void dial(int round)
{
	struct sockaddr_storage peer;
	socklen_t length = sizeof peer;
	int fd = socket_for(host, round % 3 == 0 ? SOCK_NONBLOCK : 0);
	int result = connect_to(fd, host, port);
	if (result < 0 && errno != EINPROGRESS)
		atomic_fetch_add(&failures, 1);
	if (result == 0 && getpeername(fd, (struct sockaddr *)&peer, &length) < 0)
		atomic_fetch_add(&failures, 1);
	pending_error(fd);
	close(fd);
	fd = socket_for(host, 0);
	if (connect_to(fd, host, bad_port) == 0 || errno != ECONNREFUSED)
		atomic_fetch_add(&failures, 1);
	close(fd);
}

static void look(void)
{
	struct addrinfo *list = NULL;
	if (getaddrinfo(name, port, NULL, &list) != 0)
		atomic_fetch_add(&failures, 1);
	else
		freeaddrinfo(list);
}

/* A child made while other threads are inside the library can use it all the same. */
static void have_child(void)
{
	pid_t child = fork();
	int status = 0;
	if (child == 0) {
		int fd = socket_for(host, 0);
		int result = connect_to(fd, host, port);
		_exit(result == 0 ? 0 : errno);
	}
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (status != 0)
		atomic_fetch_add(&failures, 1);
}

static void *work(void *argument)
{
	int number = *(int *)argument;
	for (int round = 0; round < ROUNDS; round++) {
		dial(round);
		if ((round + number) % 4 == 0)
			look();
		if ((round + number) % 16 == 0)
			have_child();
	}
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t threads[THREADS];
	int numbers[THREADS];
	struct sigaction action = { .sa_handler = handler, .sa_flags = SA_RESTART };
	struct itimerval often = { { 0, 1000 }, { 0, 1000 } }, never = { { 0, 0 }, { 0, 0 } };
	(void)argc;
	host = argv[1];
	port = argv[2];
	bad_port = argv[3];
	name = argv[4];
	sigaction(SIGALRM, &action, NULL);
	dial(0); /* what the first dial opens for the rest of the program's life is not left over */
	int before = open_descriptors();
	setitimer(ITIMER_REAL, &often, NULL);
	for (int i = 0; i < THREADS; i++) {
		numbers[i] = i;
		pthread_create(&threads[i], NULL, work, &numbers[i]);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	setitimer(ITIMER_REAL, &never, NULL);
	printf("failures: %d\nsignals: %s\ndescriptors left: %d\n", failures, signals > 10 ? "many" : "few",
	       open_descriptors() - before);
	return 0;
}
