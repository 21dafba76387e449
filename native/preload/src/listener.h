/*
 * A listening TCP socket as the exporter knows it: what it is bound to, which families it takes, and its SO_COOKIE. Nothing is
 * remembered here: whether a socket listens, the kernel knows.
 */
#ifndef TP_LISTENER_H
#define TP_LISTENER_H

#include "config.h"
#include "socket.h"

struct tp_listener {
	struct tp_address address;
	bool both;	 /* of IPv6, and takes IPv4 too */
	uint64_t cookie; /* 0: the kernel has no SO_COOKIE */
};

/** Fills it in for a TCP socket of IPv4 or IPv6, and returns whether it is one that listens. */
bool tp_listener_read(int fd, struct tp_listener *out);

/** Loopback that was asked for by its address. 0.0.0.0 and :: are not. */
bool tp_listener_is_private(const struct tp_address *address);

/** Whether the exporter is told of it. */
bool tp_listener_is_exported(const struct tp_config *config, const struct tp_listener *listener);

/** Calls `each` for every listening socket of this process that is exported. */
void tp_listener_scan(const struct tp_config *config, void (*each)(int fd, const struct tp_listener *, void *), void *argument);

#endif
