#include "peer.h"

#include "board.h"
#include "channel.h"
#include "datagram.h"
#include "socket.h"

#include <netinet/in.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

/* The socket may have come from another process that has a board: by an exec, or by SCM_RIGHTS. */
static bool has_board(const struct tp_config *config)
{
	return tp_board_is() || tp_channel_open(config) == 0;
}

bool tp_peer_of_accepted(const struct tp_config *config, int fd, const struct tp_address *from, struct tp_address *out)
{
	struct tp_address local;
	return config->dial_socket && tp_address_is_loopback(from) && has_board(config) && tp_board_is_client(from) &&
	       tp_socket_name(fd, false, &local) == 0 && tp_board_client(from, &local, out);
}

bool tp_peer_of(const struct tp_config *config, int fd, struct tp_address *out)
{
	struct tp_address peer, local;
	/* Tarpits and flow sockets are on loopback, and everything else is the kernel's. */
	if (!config->dial_socket || tp_socket_name(fd, true, &peer) < 0 || !tp_address_is_loopback(&peer))
		return false;
	bool board = has_board(config);
	int protocol = tp_socket_option(fd, SOL_SOCKET, SO_PROTOCOL);
	if (protocol == IPPROTO_UDP)
		return tp_datagram_peer(fd, &peer, out);
	if (!board || (protocol != IPPROTO_TCP && protocol != IPPROTO_MPTCP) || tp_socket_name(fd, false, &local) < 0)
		return false;
	if (tp_board_is_tarpit(&peer))
		return tp_board_peer(peer.family, local.port, tp_socket_identity(fd), out);
	return config->show_clients && tp_board_client(&peer, &local, out);
}
