/*
 * A dial over the dial socket (docs/preload-protocol.md, "A dial"): the sidecar gets a duplicate of the program's socket and
 * completes the program's own connect(), made to the tarpit, from the other side. Nothing is remembered here: how far a dial
 * is, the kernel knows; what it ended with, the board.
 */
#ifndef TP_TARPIT_H
#define TP_TARPIT_H

#include "config.h"
#include "socket.h"

/** Whether there is a tarpit for this socket and destination; if not, SOCKS5 has to do. */
bool tp_tarpit_takes(const struct tp_socket *socket, const struct tp_address *address);

/** What connect() to `address` ends with: 0 or a negative errno. */
int tp_tarpit_connect(const struct tp_config *config, int fd, const struct tp_socket *socket, const struct tp_address *address);

/** The SO_COOKIE of a socket whose dial is under way, else 0. While this process has dialled nothing it asks nobody. */
uint64_t tp_tarpit_pending(int fd);

/** Tells the sidecar that a socket's dial may have lost its last owner. Keeps errno. Nothing for 0. */
void tp_tarpit_cancel(uint64_t cookie);

/** The same for all that this process has under way. */
void tp_tarpit_cancel_all(void);

#endif
