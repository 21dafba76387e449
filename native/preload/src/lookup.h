/* Names and addresses as the session knows them: what getaddrinfo(), gethostbyname() and getnameinfo() have in common. */
#ifndef TP_LOOKUP_H
#define TP_LOOKUP_H

#include "addresses.h"
#include "config.h"

/** "localhost", in any case, where it is left to the C library: /etc/hosts has it. */
bool tp_lookup_is_localhost(const struct tp_config *config, const char *name);

/**
 * The addresses of a name, of AF_INET, AF_INET6 or both (AF_UNSPEC). Returns 0, -ENOENT when there is no such name,
 * -ENODATA when it has none of that family (a SOCKS5 server does not tell the two apart: -ENOENT), -EAGAIN when the
 * session could not say, -EINVAL for a name that cannot be asked for.
 */
int tp_lookup_name(const struct tp_config *config, const char *name, int family, struct tp_addresses *out);

/** The names of an address: `canonical` and `aliases` of `out`. Returns as tp_lookup_name(). */
int tp_lookup_address(const struct tp_config *config, const struct tp_address *address, struct tp_addresses *out);

#endif
