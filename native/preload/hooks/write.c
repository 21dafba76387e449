/* write(2): after a dial that failed it tells why; a connected socket's datagram can be too big. */
#include "datagram.h"
#include "fail.h"
#include "failure.h"
#include "state.h"

#include <unistd.h>

TP_HOOK ssize_t write(int fd, const void *bytes, size_t size)
{
	tp_state();
	int refused = tp_datagram_check(fd, size, 0);
	if (refused < 0)
		return tp_fail(refused);
	ssize_t result = tp_next.write(fd, bytes, size);
	if (result < 0)
		tp_failure_show(fd);
	return result;
}
