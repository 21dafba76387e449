#include "wait.h"

#include "syscall.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <time.h>

#define LAST_SIGNAL 64

/** What rt_sigaction(2) fills in; the C library's struct sigaction has another order. */
struct kernel_action {
	void *handler;
	unsigned long flags;
	void *restorer;
	uint64_t mask;
};

int64_t tp_wait_now(void)
{
	struct timespec now = { 0, 0 };
	tp_syscall2(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int tp_wait_any(struct pollfd *entries, size_t count, int64_t deadline)
{
	int64_t left = deadline - tp_wait_now();
	if (left < 0)
		left = 0;
	struct timespec timeout = { (time_t)(left / 1000000000), (long)(left % 1000000000) };
	long ready = tp_syscall5(SYS_ppoll, entries, count, &timeout, 0, 8);
	if (ready == 0)
		return -ETIMEDOUT;
	return ready > 0 ? 0 : (int)ready;
}

int tp_wait(int fd, short events, int64_t deadline)
{
	struct pollfd entry = { .fd = fd, .events = events };
	return tp_wait_any(&entry, 1, deadline);
}

bool tp_wait_signal_shows(void)
{
	for (int number = 1; number <= LAST_SIGNAL; number++) {
		struct kernel_action action = { 0 };
		if (tp_syscall4(SYS_rt_sigaction, number, 0, &action, sizeof action.mask) < 0)
			continue;
		if (action.handler != (void *)SIG_DFL && action.handler != (void *)SIG_IGN &&
		    !(action.flags & (unsigned long)SA_RESTART))
			return true;
	}
	return false;
}
