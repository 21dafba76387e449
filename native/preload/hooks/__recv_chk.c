/* What glibc's _FORTIFY_SOURCE makes of recv(). */
#include "failure.h"
#include "state.h"

TP_HOOK ssize_t __recv_chk(int fd, void *bytes, size_t size, size_t room, int flags);

TP_HOOK ssize_t __recv_chk(int fd, void *bytes, size_t size, size_t room, int flags)
{
	tp_state();
	ssize_t result = tp_next.__recv_chk(fd, bytes, size, room, flags);
	if (result < 0)
		tp_failure_show(fd);
	return result;
}
