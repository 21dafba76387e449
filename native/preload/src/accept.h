/* What accept() and accept4() have in common: the peer that they show. */
#ifndef TP_ACCEPT_H
#define TP_ACCEPT_H

#include "config.h"

/** How much the program has room for, before the call; -1 where nothing will be shown. Also looks for listeners it was handed. */
long tp_accept_room(const struct tp_config *config, const struct sockaddr *address, const socklen_t *length);

/** After a call that gave `accepted`: puts the tailnet's peer in the place of the sidecar. */
void tp_accept_show(const struct tp_config *config, int accepted, struct sockaddr *address, const socklen_t *length, long room);

#endif
