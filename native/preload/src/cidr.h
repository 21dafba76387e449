/* A block of addresses: 192.0.2.0/24, 2001:db8::/32, or one address alone. */
#ifndef TP_CIDR_H
#define TP_CIDR_H

#include "address.h"

#include <stddef.h>

struct tp_cidr {
	uint8_t bytes[16];
	uint8_t family;
	uint8_t bits;
};

/** Returns 0 or -EINVAL. A block inside ::ffff:0:0/96 becomes the IPv4 block it stands for. */
int tp_cidr_parse(struct tp_cidr *cidr, const char *text, size_t length);

bool tp_cidr_contains(const struct tp_cidr *cidr, const struct tp_address *address);

#endif
