/* Where a datagram's destination lies: docs/preload-protocol.md, "What is ours to carry", and the run's UDP policy. */
#ifndef TP_DATAGRAM_ROUTE_H
#define TP_DATAGRAM_ROUTE_H

#include "route.h"

/** UDP: TP_ROUTE_PASS, TP_ROUTE_DIAL (a flow carries it) or a negative errno. Without a dial socket: tp_route_other(). */
int tp_datagram_route(const struct tp_config *config, const struct tp_address *address);

/** What is neither TCP nor UDP: returns TP_ROUTE_PASS or a negative errno. */
int tp_datagram_route_other(const struct tp_config *config, const struct tp_address *address);

/** TCP by MSG_FASTOPEN: returns TP_ROUTE_PASS, or TP_ROUTE_DIAL when connect() has to decide. */
int tp_datagram_route_stream(const struct tp_config *config, const struct tp_address *address);

#endif
