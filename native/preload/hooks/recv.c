/* recv(2): tells of a failed dial. */
#include "failure.h"
#include "state.h"

TP_HOOK ssize_t recv(int fd, void *bytes, size_t size, int flags)
{
	tp_state();
	ssize_t result = tp_next.recv(fd, bytes, size, flags);
	if (result < 0)
		tp_failure_show(fd);
	return result;
}
