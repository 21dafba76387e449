/* A new connection to the run's control socket: through the sidecar where there is a dial socket, else by its path. */
#ifndef TP_CONTROL_CONNECT_H
#define TP_CONTROL_CONNECT_H

#include "config.h"

/** Returns a descriptor, CLOEXEC and non-blocking or not, or -ENETDOWN. */
int tp_control_connect(const struct tp_config *config, int64_t deadline);

#endif
