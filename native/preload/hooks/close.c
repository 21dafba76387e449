/* close(2): ends a dial that is under way, and leaves the library's own descriptors alone. Async-signal-safe, as POSIX has it. */
#include "channel.h"
#include "departure.h"
#include "fail.h"
#include "state.h"

#include <unistd.h>

TP_HOOK int close(int fd)
{
	tp_state();
	/* The program never opened it. */
	if (tp_channel_owns(fd))
		return tp_fail(-EBADF);
	struct tp_departure departure;
	tp_departure_look(fd, &departure);
	int result = tp_next.close(fd);
	/* Afterwards: the sidecar then looks whether the socket has another owner. */
	tp_departure_tell(&departure);
	return result;
}
