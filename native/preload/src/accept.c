#include "accept.h"

#include "control.h"
#include "memory.h"
#include "peer.h"
#include "shown-name.h"

long tp_accept_room(const struct tp_config *config, const struct sockaddr *address, const socklen_t *length)
{
	if (!config->export_listeners)
		return -1;
	tp_control_adopt(config);
	return config->show_clients && address && tp_memory_readable(length, sizeof *length) ? (long)tp_memory_length(length) : -1;
}

void tp_accept_show(const struct tp_config *config, int accepted, struct sockaddr *address, const socklen_t *length, long room)
{
	struct tp_address from, peer;
	if (accepted < 0 || room <= 0)
		return;
	socklen_t whole = tp_memory_length(length);
	/* What the kernel has cut says nothing of who it is. */
	if (whole > room ? tp_peer_of(config, accepted, &peer)
			 : tp_address_read(&from, address, whole) == 0 && tp_peer_of_accepted(config, accepted, &from, &peer))
		tp_shown_write(address, length, (socklen_t)room, &peer);
}
