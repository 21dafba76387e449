#include "steady-connect.h"

#include "next.h"
#include "socket.h"
#include "syscall.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/time.h>

static int to_error(long result, int saved)
{
	int error = errno;
	errno = saved;
	return result < 0 ? -error : 0;
}

static int connect_once(int fd, const struct sockaddr_storage *address, socklen_t length)
{
	int saved = errno;
	return to_error(tp_next.connect(fd, (const struct sockaddr *)address, length), saved);
}

/** A send of nothing waits for the connection, is restarted or ended by signals just as connect() is, and never begins one. */
static int wait_connected(int fd)
{
	int saved = errno;
	return to_error(tp_next.send(fd, NULL, 0, MSG_NOSIGNAL), saved);
}

static void set_send_timeout(int fd, suseconds_t microseconds)
{
	struct timeval limit = { 0, microseconds };
	tp_syscall5(SYS_setsockopt, fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

int tp_steady_connect(int fd, const struct sockaddr_storage *address, socklen_t length)
{
	long flags = tp_syscall3(SYS_fcntl, fd, F_GETFL, 0);
	/* Without a wait, or with one that SO_SNDTIMEO bounds, the kernel restarts nothing (signal(7)). */
	if (flags < 0 || (flags & O_NONBLOCK) || tp_socket_timeout(fd, SO_SNDTIMEO) != 0)
		return connect_once(fd, address, length);
	/* For a tick of the kernel's clock: most dials are done by then, and a signal in it might have come before the call. */
	set_send_timeout(fd, 1);
	int result = connect_once(fd, address, length);
	set_send_timeout(fd, 0);
	if (result != -EINPROGRESS && result != -EALREADY && result != -EINTR)
		return result;
	result = wait_connected(fd);
	/* What the kernel notes of a connect() that has succeeded: the next one is EISCONN. */
	return result < 0 ? result : connect_once(fd, address, length);
}
