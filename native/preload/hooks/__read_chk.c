/* read(2), as programs built with _FORTIFY_SOURCE call it on glibc. */
#include "failure.h"
#include "state.h"

#include <unistd.h>

ssize_t __read_chk(int fd, void *bytes, size_t size, size_t room);

TP_HOOK ssize_t __read_chk(int fd, void *bytes, size_t size, size_t room)
{
	tp_state();
	ssize_t result = tp_next.__read_chk(fd, bytes, size, room);
	if (result < 0)
		tp_failure_show(fd);
	return result;
}
