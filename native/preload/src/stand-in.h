/*
 * Addresses that stand for a name, for SOCKS5 servers that cannot look names up: getaddrinfo() gives one out, connect()
 * sends the name it stands for. One table a process (a forked child has its parent's), 131,072 names, never emptied.
 */
#ifndef TP_STAND_IN_H
#define TP_STAND_IN_H

#include "address.h"

#include <stddef.h>

/** A SOCKS5 domain name's length is one octet. */
#define TP_NAME_MAX 255

/** Inside 198.18.0.0/15 (RFC 2544) or fdfe::/32. */
bool tp_stand_in_is(const struct tp_address *address);

/** The address of `family` that stands for `name`. Returns 0, -EINVAL for a name too long, or -ENOMEM. */
int tp_stand_in_for(const char *name, int family, struct tp_address *out);

/** The name an address stands for, NUL-terminated, or NULL when it was never given out. */
const char *tp_stand_in_name(const struct tp_address *address);

#endif
