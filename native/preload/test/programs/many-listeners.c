/* many-listeners THREADS COUNT: threads that listen at once, under a signal every half millisecond. */
#include "observe.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/time.h>

static _Atomic int failures;
static int count;

static void handler(int number)
{
	(void)number;
}

static void *work(void *nothing)
{
	for (int i = 0; i < count; i++) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);
		if (listen(fd, 5) < 0)
			atomic_fetch_add(&failures, 1);
		close(fd);
	}
	return nothing;
}

int main(int argc, char **argv)
{
	pthread_t threads[64];
	struct sigaction action = { .sa_handler = handler };
	struct itimerval often = { { 0, 500 }, { 0, 500 } };
	int number = atoi(argv[1]);
	(void)argc;
	count = atoi(argv[2]);
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	for (int i = 0; i < number; i++)
		pthread_create(&threads[i], NULL, work, NULL);
	for (int i = 0; i < number; i++)
		pthread_join(threads[i], NULL);
	printf("failures: %d\n", failures);
	return 0;
}
