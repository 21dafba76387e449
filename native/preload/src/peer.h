/* Whom a socket is connected to through the sidecar, in whichever process: from the kernel's peer and the board. */
#ifndef TP_PEER_H
#define TP_PEER_H

#include "config.h"

/** False when its peer is the kernel's. */
bool tp_peer_of(const struct tp_config *config, int fd, struct tp_address *out);

/** The same for a socket that accept() has just given, with whom the kernel says it is. */
bool tp_peer_of_accepted(const struct tp_config *config, int fd, const struct tp_address *from, struct tp_address *out);

#endif
