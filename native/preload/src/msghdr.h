/*
 * What a program's struct msghdr says of a datagram. musl has int and padding where glibc has size_t, and leaves the padding
 * as it was: only the lower half of each length counts, the kernel refuses what is longer.
 */
#ifndef TP_MSGHDR_H
#define TP_MSGHDR_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

/** How many of these headers can be read, from the first on. */
unsigned tp_msghdr_readable(const struct mmsghdr *messages, unsigned count);

/** Bytes in all its parts, 0 when they cannot be read. */
size_t tp_msghdr_size(const struct msghdr *message);

/** UDP_SEGMENT among its control messages, or 0. */
size_t tp_msghdr_segment(const struct msghdr *message);

/** Whether IP_PKTINFO or IPV6_PKTINFO ties it to a device that does not lead to loopback. */
bool tp_msghdr_on_device(const struct msghdr *message);

/** In what MSG_ERRQUEUE gave: the IP_RECVERR or IPV6_RECVERR, and where the address of its offender lies, or NULL. */
struct sockaddr *tp_msghdr_offender(struct msghdr *message, socklen_t *room);

#endif
