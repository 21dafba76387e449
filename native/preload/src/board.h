/*
 * The sidecar's page of shared memory: tarpits, routes, failures, peers, UDP flows (docs/preload-protocol.md). Read-only, mapped
 * once in a process and its forks. No function here makes a system call or takes a lock.
 */
#ifndef TP_BOARD_H
#define TP_BOARD_H

#include "address.h"
#include "dial-protocol.h"

/** Takes a mapped board over; the first wins. False when it is not one: then it is left to the caller. */
bool tp_board_adopt(const void *start, size_t size);
/** Whether there is one. While there is none every question below is answered with no. */
bool tp_board_is(void);

/** The address to which an IPv4 or IPv6 (AF_INET6) socket's connect() is made. */
bool tp_board_tarpit(int family, struct tp_address *out);
bool tp_board_is_tarpit(const struct tp_address *address);

/** Whether a route of the tailnet covers it, or everything goes to the sidecar. Addresses of tailnets are not asked about here. */
bool tp_board_routes(const struct tp_address *address);
/** Whether it is port 53 of a resolver of the host. */
bool tp_board_is_resolver(const struct tp_address *address);
/** Bytes of an IP packet of the tailnet. */
unsigned tp_board_mtu(void);

/** The errno, positive, with which the last dial of the socket with this SO_COOKIE failed; 0 when none is known. */
int tp_board_failure(uint64_t cookie);
/** Whom the tarpit stands for, by the local port of the program's socket and the tarpit's family. */
bool tp_board_peer(int family, uint16_t local_port, uint64_t cookie, struct tp_address *out);

/** Whether the sidecar may stand for somebody on this port: what tp_board_client() needs a socket's name for. */
bool tp_board_is_client(const struct tp_address *from);
/** Whom the sidecar stands for that has connected from `from` (its port, over its family) to `to`. */
bool tp_board_client(const struct tp_address *from, const struct tp_address *to, struct tp_address *out);

/** Whom a flow socket stands for. */
bool tp_board_udp_peer(const struct tp_address *flow, struct tp_address *out);
/** The flow socket that the socket with this SO_COOKIE has for a destination. */
bool tp_board_udp_flow(uint64_t cookie, const struct tp_address *destination, struct tp_address *out);

#endif
