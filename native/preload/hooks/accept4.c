/* accept4(2): as accept(). */
#include "accept.h"
#include "state.h"

TP_HOOK int accept4(int fd, struct sockaddr *restrict address, socklen_t *restrict length, int flags)
{
	const struct tp_config *config = tp_state();
	long room = tp_accept_room(config, address, length);
	int accepted = tp_next.accept4(fd, address, length, flags);
	tp_accept_show(config, accepted, address, length, room);
	return accepted;
}
