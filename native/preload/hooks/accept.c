/* accept(2): the peer of an exported listener is the tailnet's, and not the sidecar that forwards. Async-signal-safe. */
#include "accept.h"
#include "state.h"

TP_HOOK int accept(int fd, struct sockaddr *restrict address, socklen_t *restrict length)
{
	const struct tp_config *config = tp_state();
	long room = tp_accept_room(config, address, length);
	int accepted = tp_next.accept(fd, address, length);
	tp_accept_show(config, accepted, address, length, room);
	return accepted;
}
