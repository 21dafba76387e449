/* read(2): after a dial that failed it tells why. */
#include "failure.h"
#include "state.h"

#include <unistd.h>

TP_HOOK ssize_t read(int fd, void *bytes, size_t size)
{
	tp_state();
	ssize_t result = tp_next.read(fd, bytes, size);
	if (result < 0)
		tp_failure_show(fd);
	return result;
}
