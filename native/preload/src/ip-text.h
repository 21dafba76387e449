/* IP addresses as text, without the C library: inet_pton is not async-signal-safe everywhere. */
#ifndef TP_IP_TEXT_H
#define TP_IP_TEXT_H

#include "address.h"

#include <stddef.h>

/** Room for the longest address and its NUL. */
#define TP_IP_TEXT_MAX 46

/** Fills family and bytes, keeps the port. Returns 0 or -EINVAL. Dotted quad or RFC 4291 text, no brackets, no scope. */
int tp_ip_parse(struct tp_address *address, const char *text, size_t length);

/** Returns the length written before the NUL. `as_mapped`: IPv4 is written ::ffff:a.b.c.d. */
size_t tp_ip_format(const struct tp_address *address, bool as_mapped, char text[TP_IP_TEXT_MAX]);

/** Whether the C library takes this name for a number and asks nobody: inet_aton's forms, IPv6 with or without a scope. */
bool tp_ip_is_numeric(const char *name);

/** Decimal digits only, at most `ceiling`. Returns the number or -EINVAL. */
long tp_decimal_parse(const char *text, size_t length, long ceiling);

#endif
