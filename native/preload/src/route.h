/* Where an address goes. Pure: the hooks find out what socket it is, this says what may be done with it. */
#ifndef TP_ROUTE_H
#define TP_ROUTE_H

#include "config.h"

/** A route is one of these, or a negative errno with which the call is refused. */
enum {
	TP_ROUTE_PASS = 0, /* the kernel's business, untouched */
	TP_ROUTE_DIAL = 1, /* through the proxy */
};

/** Whether the kernel has it, whatever a board would say: nothing need be asked. Port 53 of the host is a resolver's, perhaps. */
bool tp_route_is_local(const struct tp_config *config, const struct tp_address *address);

/** TCP and MPTCP: loopback and bypass pass. The rest is dialled; where there is a board, only what it says is ours. */
int tp_route_stream(const struct tp_config *config, const struct tp_address *address);

/**
 * Whatever SOCKS5 CONNECT cannot carry: UDP, ping, SCTP, raw. Tailnet and stand-in addresses are refused; the rest
 * passes, unless an exit node is set or only the tailnet is allowed.
 */
int tp_route_other(const struct tp_config *config, const struct tp_address *address);

#endif
