/*
 * The sidecar's page of shared memory: tarpits, routes, failures, peers, UDP flows (docs/preload-protocol.md). Read-only, mapped
 * at one place in a process and its forks. Of a sidecar that is dead it answers nothing but what says so below. No function here
 * makes a system call or takes a lock.
 */
#ifndef TP_BOARD_H
#define TP_BOARD_H

#include "address.h"
#include "dial-protocol.h"

/** How many bytes of a board tell what it is. */
#define TP_BOARD_BEGINNING 40u

/** Whether a file that begins so is the board of a sidecar that lives. */
bool tp_board_begins(const uint8_t beginning[TP_BOARD_BEGINNING]);
/** Takes over where one is mapped; the first place stays. False when there is one already: then this is left to the caller. */
bool tp_board_adopt(const void *start);
/**
 * Where it is, for the next sidecar's to be mapped over it: whoever reads there meanwhile reads on. NULL before the first, and
 * `*same` when it is the one that begins so.
 */
void *tp_board_place(const uint8_t beginning[TP_BOARD_BEGINNING], bool *same);

/** Whether there is one, of a sidecar that lives. */
bool tp_board_is(void);
/** Whether the sidecar of the first one is dead. */
bool tp_board_has_died(void);

/** The address to which an IPv4 or IPv6 (AF_INET6) socket's connect() is made. */
bool tp_board_tarpit(int family, struct tp_address *out);
/** Also of the last sidecar that died: what refuses a connection, or has one left. */
bool tp_board_is_tarpit(const struct tp_address *address);

/**
 * Whether a route of the tailnet covers it, or everything goes to the sidecar. Addresses of tailnets are not asked about here.
 * This too a dead one's answers: whoever asks has asked tp_board_is(), and death in between must not make it a no.
 */
bool tp_board_routes(const struct tp_address *address);
/** Whether it is port 53 of a resolver of the host. */
bool tp_board_is_resolver(const struct tp_address *address);
/** Bytes of an IP packet of the tailnet, to a dead sidecar's end. */
unsigned tp_board_mtu(void);

/** The errno, positive, with which the last dial of the socket with this SO_COOKIE failed, also a dead sidecar's; 0: not known. */
int tp_board_failure(uint64_t cookie);
/** Whom the tarpit stands for, by the local port of the program's socket and the tarpit's family. */
bool tp_board_peer(int family, uint16_t local_port, uint64_t cookie, struct tp_address *out);

/** Whether the sidecar may stand for somebody on this port: what tp_board_client() needs a socket's name for. */
bool tp_board_is_client(const struct tp_address *from);
/** Whom the sidecar stands for that has connected from `from` (its port, over its family) to `to`. */
bool tp_board_client(const struct tp_address *from, const struct tp_address *to, struct tp_address *out);

/** Whom a flow socket stands for; only that of the socket with this SO_COOKIE, unless it is 0. */
bool tp_board_udp_peer(const struct tp_address *flow, uint64_t cookie, struct tp_address *out);
/** The flow socket that the socket with this SO_COOKIE has for a destination. */
bool tp_board_udp_flow(uint64_t cookie, const struct tp_address *destination, struct tp_address *out);

#endif
