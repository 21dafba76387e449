/* async-names NAME NONE: getaddrinfo_a(3), waiting and not, with each kind of notice. */
#include "observe.h"

#include <netdb.h>
#include <pthread.h>

#ifndef GAI_WAIT
int main(void)
{
	printf("this C library has no getaddrinfo_a()\n");
	return 0;
}
#else
static struct gaicb requests[4];
static struct gaicb *list[] = { &requests[0], NULL, &requests[1], &requests[2], &requests[3] };
static const struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM };
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t told_changed = PTHREAD_COND_INITIALIZER;
static int told;

static void fill(char **argv)
{
	memset(requests, 0, sizeof requests);
	requests[0].ar_name = argv[1];
	requests[1].ar_name = argv[2];
	requests[2].ar_name = "192.0.2.7";
	requests[3].ar_name = argv[1];
	requests[3].ar_service = "80";
	for (int i = 0; i < 4; i++)
		requests[i].ar_request = &hints;
}

static void show(const char *what)
{
	char text[INET_ADDRSTRLEN];
	printf("%s:", what);
	for (int i = 0; i < 4; i++) {
		int status = gai_error(&requests[i]);
		if (status != 0) {
			printf(" %s", status == EAI_NONAME ? "EAI_NONAME" : gai_strerror(status));
			continue;
		}
		struct sockaddr_in *in = (struct sockaddr_in *)requests[i].ar_result->ai_addr;
		printf(" %s %d", inet_ntop(AF_INET, &in->sin_addr, text, sizeof text), ntohs(in->sin_port));
		freeaddrinfo(requests[i].ar_result);
	}
	printf(", cancel: %s\n", gai_cancel(&requests[0]) == EAI_ALLDONE ? "EAI_ALLDONE" : "another");
}

static void wait_for_all(void)
{
	const struct gaicb *pending[4] = { &requests[0], &requests[1], &requests[2], &requests[3] };
	int status;
	while ((status = gai_suspend(pending, 4, NULL)) == 0)
		;
	printf("gai_suspend at the end: %s\n", status == EAI_ALLDONE ? "EAI_ALLDONE" : gai_strerror(status));
}

static void tell(union sigval value)
{
	pthread_mutex_lock(&mutex);
	told = value.sival_int;
	pthread_cond_signal(&told_changed);
	pthread_mutex_unlock(&mutex);
}

int main(int argc, char **argv)
{
	struct sigevent by_thread = { .sigev_notify = SIGEV_THREAD, .sigev_value.sival_int = 5 };
	struct sigevent by_signal = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 6 };
	sigset_t set;
	siginfo_t info;
	(void)argc;
	by_thread.sigev_notify_function = tell;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);

	fill(argv);
	printf("GAI_WAIT: %d\n", getaddrinfo_a(GAI_WAIT, list, 5, NULL));
	show("waited");
	fill(argv);
	printf("GAI_NOWAIT: %d\n", getaddrinfo_a(GAI_NOWAIT, list, 5, NULL));
	wait_for_all();
	show("not waited");
	fill(argv);
	printf("with a signal: %d\n", getaddrinfo_a(GAI_NOWAIT, list, 5, &by_signal));
	sigwaitinfo(&set, &info);
	/* TSan does not know that what was done before a signal was sent is seen by whoever gets it. */
	wait_for_all();
	printf("signal: code %d, value %d, from here %d\n", info.si_code, info.si_value.sival_int, info.si_pid == getpid());
	show("after the signal");
	fill(argv);
	printf("with a thread: %d\n", getaddrinfo_a(GAI_NOWAIT, list, 5, &by_thread));
	pthread_mutex_lock(&mutex);
	while (told == 0)
		pthread_cond_wait(&told_changed, &mutex);
	pthread_mutex_unlock(&mutex);
	printf("told %d\n", told);
	show("after the thread");
	printf("of no such kind: %d", getaddrinfo_a(7, list, 5, NULL) == EAI_SYSTEM);
	printf(" %s\n", error_name(errno));
	return 0;
}
#endif
