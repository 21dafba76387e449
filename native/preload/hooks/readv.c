/* readv(2): after a dial that failed it tells why. */
#include "failure.h"
#include "state.h"

#include <sys/uio.h>

TP_HOOK ssize_t readv(int fd, const struct iovec *parts, int count)
{
	tp_state();
	ssize_t result = tp_next.readv(fd, parts, count);
	if (result < 0)
		tp_failure_show(fd);
	return result;
}
