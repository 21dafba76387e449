/* Names and addresses as the session knows them: what getaddrinfo(), gethostbyname() and getnameinfo() have in common. */
#ifndef TP_LOOKUP_H
#define TP_LOOKUP_H

#include "config.h"
#include "stand-in.h"

#define TP_LOOKUP_MAX 2

struct tp_addresses {
	size_t count;
	struct tp_address list[TP_LOOKUP_MAX]; /* IPv4 first: its sockets need no IPv6 from the host to reach the proxy */
};

/** "localhost", in any case: /etc/hosts has it, and the C library asks nobody. */
bool tp_lookup_is_localhost(const char *name);

/**
 * The addresses of a name, of AF_INET, AF_INET6 or both (AF_UNSPEC). Returns 0, -ENOENT when there is no such name or none
 * of that family, -EAGAIN when the session could not say, -EINVAL for a name that cannot be asked for.
 */
int tp_lookup_name(const struct tp_config *config, const char *name, int family, struct tp_addresses *out);

/** The name of an address, NUL-terminated. Returns as tp_lookup_name(). */
int tp_lookup_address(const struct tp_config *config, const struct tp_address *address, char name[TP_NAME_MAX + 1]);

#endif
