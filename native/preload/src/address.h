/* An IP address and port as the routes see it: IPv4 is IPv4, in whichever socket it was asked for. */
#ifndef TP_ADDRESS_H
#define TP_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/** RFC 2133 had no sin6_scope_id; the kernel still takes its 24 bytes. */
#define TP_SOCKADDR_IN6_MIN 24u

struct tp_address {
	uint8_t bytes[16]; /* network order; IPv4 uses the first four */
	uint32_t scope;	   /* sin6_scope_id */
	uint16_t port;	   /* host order */
	uint8_t family;	   /* AF_INET (also for ::ffff:a.b.c.d) or AF_INET6 */
	uint8_t mapped;	   /* 1: it was written ::ffff:a.b.c.d */
};

/** Returns 0, -EINVAL for a length the kernel refuses too, or -EAFNOSUPPORT for anything but IP. */
int tp_address_read(struct tp_address *address, const void *sockaddr, socklen_t length);

/** Writes it for a socket of `domain` and returns its length, or 0 when an AF_INET socket cannot hold it. */
socklen_t tp_address_write(const struct tp_address *address, int domain, struct sockaddr_storage *out);

bool tp_address_same(const struct tp_address *a, const struct tp_address *b);

/** Loopback in every spelling, and the unspecified address, which Linux connects to loopback too. */
bool tp_address_is_loopback(const struct tp_address *address);

/** 100.64.0.0/10 and fd7a:115c:a1e0::/48. */
bool tp_address_is_tailnet(const struct tp_address *address);

#endif
