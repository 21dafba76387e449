#include "async-lookup.h"

#include "memory.h"
#include "next.h"
#include "syscall.h"
#include "wait.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/** Lookups under way at once; the rest of a list waits its turn. glibc has as many threads for all lists together. */
#define WORKERS_MAX 20

struct batch {
	_Atomic uint32_t next, left, holders;
	uint32_t count;
	size_t size;
	struct sigevent notify;
	struct gaicb *list[];
};

/** Counts ended requests; what everyone who waits sleeps on. */
static _Atomic uint32_t ended;

static void sleep_until_more(uint32_t seen, const struct timespec *limit)
{
	tp_syscall4(SYS_futex, &ended, FUTEX_WAIT_PRIVATE, seen, limit);
}

static bool is_under_way(const struct gaicb *request)
{
	return request && __atomic_load_n(&request->__return, __ATOMIC_ACQUIRE) == EAI_INPROGRESS;
}

static void send_signal(const struct sigevent *event)
{
	siginfo_t info;
	long pid = tp_syscall0(SYS_getpid);
	memset(&info, 0, sizeof info);
	info.si_signo = event->sigev_signo;
	info.si_code = SI_ASYNCNL;
	info.si_pid = (pid_t)pid;
	info.si_uid = (uid_t)tp_syscall0(SYS_getuid);
	info.si_value = event->sigev_value;
	tp_syscall3(SYS_rt_sigqueueinfo, pid, event->sigev_signo, &info);
}

static void notify(const struct sigevent *event)
{
	if (event->sigev_notify == SIGEV_SIGNAL)
		send_signal(event);
	else if (event->sigev_notify == SIGEV_THREAD && event->sigev_notify_function)
		event->sigev_notify_function(event->sigev_value);
}

static void run_one(struct gaicb *request)
{
	struct addrinfo *result = NULL;
	int status = getaddrinfo(request->ar_name, request->ar_service, request->ar_request, &result);
	request->ar_result = result;
	/* From here on the request is the program's, and may be gone. */
	__atomic_store_n(&request->__return, status, __ATOMIC_RELEASE);
	atomic_fetch_add(&ended, 1);
	tp_syscall3(SYS_futex, &ended, FUTEX_WAKE_PRIVATE, INT_MAX);
}

static void work(struct batch *batch)
{
	for (;;) {
		uint32_t index = atomic_fetch_add(&batch->next, 1);
		if (index >= batch->count)
			break;
		run_one(batch->list[index]);
		if (atomic_fetch_sub(&batch->left, 1) == 1)
			notify(&batch->notify);
	}
	if (atomic_fetch_sub(&batch->holders, 1) == 1)
		tp_memory_unmap(batch, batch->size);
}

static void *worker(void *batch)
{
	work(batch);
	return NULL;
}

/** Threads for a batch, none of which takes the program's signals. Returns how many there are. */
static uint32_t start_workers(struct batch *batch, uint32_t wanted)
{
	uint64_t all = UINT64_MAX, before = 0;
	uint32_t started = 0;
	/* Looked up here: without a library of threads there are none, and a lookup that fails allocates. */
	__typeof__(pthread_create) *create = (__typeof__(create))tp_next_find("pthread_create");
	__typeof__(pthread_detach) *detach = (__typeof__(detach))tp_next_find("pthread_detach");
	if (!create || !detach)
		return 0;
	tp_syscall4(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before, sizeof all);
	for (; started < wanted; started++) {
		pthread_t thread;
		atomic_fetch_add(&batch->holders, 1);
		if (create(&thread, NULL, worker, batch) != 0) {
			atomic_fetch_sub(&batch->holders, 1);
			break;
		}
		detach(thread);
	}
	tp_syscall4(SYS_rt_sigprocmask, SIG_SETMASK, &before, NULL, sizeof before);
	return started;
}

static void wait_for_all(struct gaicb *const *list, int count)
{
	for (int i = 0; i < count;) {
		uint32_t seen = atomic_load(&ended);
		if (is_under_way(list[i]))
			sleep_until_more(seen, NULL);
		else
			i++;
	}
}

int tp_async_start(struct gaicb *const *list, int count, const struct sigevent *event, int wait)
{
	int saved = errno;
	uint32_t requests = 0;
	size_t size = sizeof(struct batch) + (size_t)count * sizeof(struct gaicb *);
	struct batch *batch = tp_memory_map(size);
	if (!batch)
		return EAI_MEMORY;
	for (int i = 0; i < count; i++) {
		if (!list[i])
			continue;
		list[i]->ar_result = NULL;
		__atomic_store_n(&list[i]->__return, EAI_INPROGRESS, __ATOMIC_RELEASE);
		batch->list[requests++] = list[i];
	}
	batch->count = requests;
	batch->size = size;
	batch->notify.sigev_notify = SIGEV_NONE;
	if (event && !wait)
		batch->notify = *event;
	atomic_store(&batch->left, requests);
	atomic_store(&batch->holders, 1);
	uint32_t wanted = requests < WORKERS_MAX ? requests : WORKERS_MAX;
	if (requests == 0)
		notify(&batch->notify);
	/* Who waits works too; and who has no threads does it all. */
	uint32_t started = start_workers(batch, wait && wanted > 0 ? wanted - 1 : wanted);
	if (wait || started == 0)
		work(batch);
	else if (atomic_fetch_sub(&batch->holders, 1) == 1)
		tp_memory_unmap(batch, size);
	if (wait)
		wait_for_all(list, count);
	errno = saved;
	return 0;
}

static int under_way(const struct gaicb *const *list, int count)
{
	int total = 0;
	for (int i = 0; i < count; i++)
		total += is_under_way(list[i]);
	return total;
}

int tp_async_suspend(const struct gaicb *const *list, int count, const struct timespec *limit)
{
	int64_t deadline = limit ? tp_wait_now() + (int64_t)limit->tv_sec * 1000000000 + limit->tv_nsec : 0;
	int before = under_way(list, count);
	if (before == 0)
		return EAI_ALLDONE;
	for (;;) {
		uint32_t seen = atomic_load(&ended);
		if (under_way(list, count) < before)
			return 0;
		int64_t rest = limit ? deadline - tp_wait_now() : 0;
		if (limit && rest <= 0)
			return EAI_AGAIN;
		struct timespec span = { .tv_sec = rest / 1000000000, .tv_nsec = rest % 1000000000 };
		if (tp_syscall4(SYS_futex, &ended, FUTEX_WAIT_PRIVATE, seen, limit ? &span : NULL) == -EINTR)
			return EAI_INTR;
	}
}
