/*
 * UDP through the session: a datagram to a destination that is ours goes to that destination's flow socket on loopback instead
 * (docs/preload-protocol.md, "UDP"). Which flow socket that is stands on the board, so that nothing is remembered here.
 */
#ifndef TP_DATAGRAM_H
#define TP_DATAGRAM_H

#include "config.h"
#include "socket.h"

#include <stddef.h>

/**
 * What connect() does on a socket that is not TCP. Returns TP_ROUTE_PASS (the program's own address, untouched), 1 (connect to
 * *instead), or a negative errno.
 */
int tp_datagram_connect(const struct tp_config *config, int fd, const struct tp_socket *socket,
			const struct tp_address *wanted, struct sockaddr_storage *instead, socklen_t *length);

/** connect() with AF_UNSPEC, done by `next`. The port stays: flows know the socket by it. Returns what `next` returned. */
int tp_datagram_disconnect(int (*next)(int, const struct sockaddr *, socklen_t), int fd, const struct sockaddr *address,
			   socklen_t length);

/**
 * Where a datagram with a destination of its own goes. `family` is that of the program's sockaddr, *cookie the socket's
 * SO_COOKIE or 0 while nobody has asked. Returns TP_ROUTE_PASS, 1 (send to *instead), or a negative errno.
 */
int tp_datagram_send(const struct tp_config *config, int fd, uint64_t *cookie, int family, const struct tp_address *wanted,
		     struct sockaddr_storage *instead, socklen_t *length);

/** Sizes up to this fit into a packet of every tailnet: nothing need be asked for them. */
#define TP_DATAGRAM_FITS 1232u

/**
 * Whether a datagram to a destination that is carried is too big: only for sockets that asked for no fragments. `segment` is
 * the UDP_SEGMENT of the call, 0 for the socket's own. Returns 0 or -EMSGSIZE.
 */
int tp_datagram_fit(int fd, const struct tp_address *wanted, size_t size, size_t segment);

/** Whether this process has connected a socket to a flow. While it has not, no send need be looked at. */
bool tp_datagram_any(void);

/**
 * What a send without a destination, of any kind of socket, has to be looked at for: as tp_datagram_fit(), for send() and write()
 * with `segment` 0; and a socket that was connected to a flow of a sidecar that has died is connected to another one. Costs
 * nothing for what fits everywhere while no sidecar has died. Returns 0 or a negative errno.
 */
int tp_datagram_check(int fd, size_t size, size_t segment);

/** Whom a UDP socket is connected to, whose peer is the kernel's answer. False: that is right. */
bool tp_datagram_peer(int fd, const struct tp_address *peer, struct tp_address *out);

/** What IP_MTU and IPV6_MTU show on a socket that is connected to a flow socket, or 0 for the kernel's answer. */
int tp_datagram_path_mtu(int fd);

#endif
