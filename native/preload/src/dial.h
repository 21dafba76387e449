/* One SOCKS5 dial on the program's own socket, in steps that can be left and taken up again. */
#ifndef TP_DIAL_H
#define TP_DIAL_H

#include "config.h"
#include "flow.h"
#include "socket.h"

/** tcp(7): the kernel gives up its own SYN retries after about 127 s, with ETIMEDOUT. */
#define TP_DIAL_LIMIT_NS (127LL * 1000000000)

/**
 * Goes on with the dial of `flow` until it ends. Returns 0 when connected, -EINTR or -EINPROGRESS when it was left
 * unfinished as the kernel leaves a connect() (a signal, SO_SNDTIMEO), else the errno of the failure, negative.
 * `insist`: neither signals nor the program's O_NONBLOCK and SO_SNDTIMEO end it early.
 */
int tp_dial(int fd, const struct tp_config *config, struct tp_flow *flow, bool insist);

/** Whether `fd` was in use before this dial came to it: then it is left as it is, and tp_dial_undo() is not for it. */
bool tp_dial_left_alone(const struct tp_flow *flow);

/** After a failed dial: unconnects the socket and clears its error; what it was bound to stays. */
void tp_dial_undo(int fd, const struct tp_flow *flow);

#endif
