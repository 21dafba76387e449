/* What sendto(), sendmsg() and sendmmsg() may send by the host's network. */
#ifndef TP_SEND_POLICY_H
#define TP_SEND_POLICY_H

#include "config.h"

/**
 * Whether a send with this destination may go to the kernel. Returns 0, or a negative errno: -EOPNOTSUPP for TCP Fast Open to
 * what would be dialled (the program then falls back to connect()), else as tp_route_other(). What cannot be read passes:
 * the kernel cannot read it either.
 */
int tp_send_policy(const struct tp_config *config, int fd, int flags, const void *address, socklen_t length);

#endif
