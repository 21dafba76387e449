/* RESOLVE, ADDRESSES, REVERSE and NAMES of docs/preload-protocol.md, sans-IO. */
#ifndef TP_NAME_MESSAGE_H
#define TP_NAME_MESSAGE_H

#include "addresses.h"

/** Header, families, NAME. */
#define TP_RESOLVE_MAX (4 + 1 + 1 + TP_NAME_MAX)
/** Header, ADDRESS. */
#define TP_REVERSE_SIZE (4 + 20)
/** Header, status, count, NAME, 255 × ADDRESS. */
#define TP_ADDRESSES_MAX (4 + 2 + 1 + 255 + 255 * 20)

/** Returns the size; `name` has at most TP_NAME_MAX bytes. */
size_t tp_resolve_write(uint8_t out[TP_RESOLVE_MAX], const char *name, int family);
void tp_reverse_write(uint8_t out[TP_REVERSE_SIZE], const struct tp_address *address);

/**
 * Reads ADDRESSES, header included, for a question of `family`. Returns 0, -ENOENT (no such name), -ENODATA (none of that
 * family), or -EAGAIN, also for a message that is not one.
 */
int tp_addresses_read(const uint8_t *message, size_t size, int family, struct tp_addresses *out);

/** Reads NAMES: the first one is canonical, the others are its aliases. Returns as tp_addresses_read(). */
int tp_names_read(const uint8_t *message, size_t size, struct tp_addresses *out);

#endif
