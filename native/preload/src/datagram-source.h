/* Whom a datagram came from: where the kernel says it was a flow socket, the program sees the destination that stands for. */
#ifndef TP_DATAGRAM_SOURCE_H
#define TP_DATAGRAM_SOURCE_H

#include "config.h"

/**
 * Mends the source that a call which succeeded has written: `length` is what the kernel said it is long, `room` what there was
 * for it. Other sources than flow sockets are left as they are.
 */
void tp_datagram_source(const struct tp_config *config, struct sockaddr *name, socklen_t room, socklen_t length);

/** The same for a whole message, with what MSG_ERRQUEUE says about the offender. `room` is msg_namelen before the call. */
void tp_datagram_received(const struct tp_config *config, struct msghdr *message, socklen_t room);

#endif
