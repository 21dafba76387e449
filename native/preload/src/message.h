/* The messages of docs/preload-protocol.md, sans-IO: heads and addresses, written and read. */
#ifndef TP_MESSAGE_H
#define TP_MESSAGE_H

#include "address.h"
#include "dial-protocol.h"

#include <stddef.h>

/** Writes the header of a message of `size` bytes in all. */
void tp_message_head(uint8_t *message, uint8_t type, size_t size);

/** Whether these `size` bytes are one whole message of that type. */
bool tp_message_is(const uint8_t *message, size_t size, uint8_t type);

/** Writes ADDRESS (20 bytes); a v4-mapped address as IPv4. */
void tp_message_address(uint8_t *out, const struct tp_address *address);

/** Reads ADDRESS; false when it is none. */
bool tp_message_read_address(const uint8_t *bytes, struct tp_address *out);

#endif
