/* send(2): has no destination, but a connected socket's datagram can be too big; tells of a failed dial too. */
#include "datagram.h"
#include "fail.h"
#include "failure.h"
#include "state.h"

TP_HOOK ssize_t send(int fd, const void *bytes, size_t size, int flags)
{
	tp_state();
	int refused = tp_datagram_check(fd, size, 0);
	if (refused < 0)
		return tp_fail(refused);
	ssize_t result = tp_next.send(fd, bytes, size, flags);
	if (result < 0)
		tp_failure_show(fd);
	return result;
}
