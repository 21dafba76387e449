/* getpeername(2): the destination that was asked for, and nobody before its dial is done. */
#include "fail.h"
#include "flow.h"
#include "peer.h"
#include "shown-name.h"
#include "socket.h"
#include "state.h"

TP_HOOK int getpeername(int fd, struct sockaddr *restrict address, socklen_t *restrict length)
{
	const struct tp_config *config = tp_state();
	struct tp_address peer;
	struct tp_flow flow;

	if (tp_peer_of(config, fd, &peer))
		return tp_shown_name(tp_next.getpeername, fd, address, length, &peer);
	if (!tp_flow_any() || tp_socket_name(fd, true, &peer) < 0 || !tp_address_same(&peer, &config->proxy))
		return tp_next.getpeername(fd, address, length);
	switch (tp_flow_find(tp_socket_identity(fd), &flow)) {
	case TP_FLOW_CONNECTED:
		return tp_shown_name(tp_next.getpeername, fd, address, length, &flow.asked);
	case TP_FLOW_DIALLING:
	case TP_FLOW_PENDING:
		return tp_fail(-ENOTCONN);
	default:
		return tp_next.getpeername(fd, address, length); /* the program itself speaks to the proxy */
	}
}
