/* writev(2): after a dial that failed it tells why; a connected socket's datagram can be too big. */
#include "datagram.h"
#include "fail.h"
#include "failure.h"
#include "msghdr.h"
#include "state.h"

#include <sys/uio.h>

TP_HOOK ssize_t writev(int fd, const struct iovec *parts, int count)
{
	struct msghdr whole = { .msg_iov = (struct iovec *)parts, .msg_iovlen = (size_t)(count > 0 ? count : 0) };
	tp_state();
	int refused = tp_datagram_any() ? tp_datagram_check(fd, tp_msghdr_size(&whole), 0) : 0;
	if (refused < 0)
		return tp_fail(refused);
	ssize_t result = tp_next.writev(fd, parts, count);
	if (result < 0)
		tp_failure_show(fd);
	return result;
}
