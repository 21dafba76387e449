#include "own-descriptor.h"

#include "syscall.h"
#include "wait.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#ifndef SO_COOKIE
#define SO_COOKIE 57
#endif

/* fork() copies the table up to the highest descriptor: a limit of a million must not make it that long. */
#define HIGHEST 1024
#define ROOM 24
/** Below are the numbers that shells and programs give out by hand. */
#define LOWEST 10
#define NUMBER_MAX ((1 << 24) - 1)
#define COOKIE_MASK (((uint64_t)1 << 40) - 1)

#define SEND_LIMIT_NS 1000000000LL
#define DESCRIPTORS_MAX 2

tp_own tp_own_read(int fd)
{
	uint64_t cookie = 0;
	unsigned length = sizeof cookie;
	if (fd < 0 || fd > NUMBER_MAX ||
	    tp_syscall5(SYS_getsockopt, fd, SOL_SOCKET, SO_COOKIE, &cookie, &length) < 0 || length != sizeof cookie)
		return 0;
	return (uint64_t)fd << 40 | (cookie & COOKIE_MASK);
}

static int duplicate(int fd)
{
	struct rlimit limit = { HIGHEST, HIGHEST };
	tp_syscall4(SYS_prlimit64, 0, RLIMIT_NOFILE, 0, &limit);
	long ceiling = limit.rlim_cur < HIGHEST ? (long)limit.rlim_cur : HIGHEST;
	long result = -EMFILE;
	if (ceiling - ROOM > LOWEST)
		result = tp_syscall3(SYS_fcntl, fd, F_DUPFD_CLOEXEC, ceiling - ROOM);
	if (result < 0)
		result = tp_syscall3(SYS_fcntl, fd, F_DUPFD_CLOEXEC, LOWEST);
	return (int)result;
}

tp_own tp_own_place(int fd)
{
	int high = duplicate(fd);
	tp_own own = tp_own_read(high);
	if (own == 0 && high >= 0)
		tp_syscall1(SYS_close, high);
	tp_syscall1(SYS_close, fd);
	return own;
}

tp_own tp_own_copy(tp_own own)
{
	return tp_own_read(duplicate(tp_own_number(own)));
}

bool tp_own_is(tp_own own)
{
	return own != 0 && tp_own_read(tp_own_number(own)) == own;
}

void tp_own_close(tp_own own)
{
	if (tp_own_is(own))
		tp_syscall1(SYS_close, tp_own_number(own));
}

/** Waits until it may be tried again. Returns 0 or -EAGAIN. */
static int wait_for_room(int fd, long error, int64_t deadline)
{
	/* Too many descriptors are under way (unix(7)): no event tells when they have arrived. */
	int64_t soon = tp_wait_now() + 1000000;
	int waited = error == -ETOOMANYREFS ? tp_wait_any(NULL, 0, soon) : tp_wait(fd, POLLOUT, deadline);
	if (waited < 0 && waited != -ETIMEDOUT && waited != -EINTR)
		return -EAGAIN;
	return tp_wait_now() < deadline ? 0 : -EAGAIN;
}

int tp_own_send(tp_own own, const void *message, size_t size, const int *descriptors, size_t count)
{
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(DESCRIPTORS_MAX * sizeof(int))];
	} control = { 0 };
	struct iovec part = { .iov_base = (void *)message, .iov_len = size };
	struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1 };
	int64_t deadline = tp_wait_now() + SEND_LIMIT_NS;
	int fd = tp_own_number(own);
	if (count > DESCRIPTORS_MAX)
		return -EBADF;
	if (count > 0) {
		header.msg_control = &control;
		header.msg_controllen = CMSG_SPACE(count * sizeof(int));
		control.head.cmsg_level = SOL_SOCKET;
		control.head.cmsg_type = SCM_RIGHTS;
		control.head.cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(&control.head), descriptors, count * sizeof(int));
	}
	for (;;) {
		if (!tp_own_is(own))
			return -EPIPE;
		long result = tp_syscall3(SYS_sendmsg, fd, &header, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (result >= 0)
			return 0;
		if (result == -EBADF)
			return tp_own_is(own) ? -EBADF : -EPIPE;
		if (result != -EAGAIN && result != -ETOOMANYREFS && result != -EINTR && result != -ENOBUFS)
			return -EPIPE;
		if (wait_for_room(fd, result, deadline) < 0)
			return -EAGAIN;
	}
}
