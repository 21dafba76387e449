#include "name-message.h"

#include "message.h"

#include <errno.h>
#include <string.h>

enum { FAMILY_IPV4 = 1, FAMILY_IPV6 = 2 };

size_t tp_resolve_write(uint8_t out[TP_RESOLVE_MAX], const char *name, int family)
{
	size_t length = strlen(name), size = TP_HEADER_SIZE + 2 + length;
	tp_message_head(out, TP_RESOLVE, size);
	out[4] = (uint8_t)((family == AF_INET6 ? 0 : FAMILY_IPV4) | (family == AF_INET ? 0 : FAMILY_IPV6));
	out[5] = (uint8_t)length;
	memcpy(out + 6, name, length);
	return size;
}

void tp_reverse_write(uint8_t out[TP_REVERSE_SIZE], const struct tp_address *address)
{
	struct tp_address asked = *address;
	asked.port = 0;
	tp_message_head(out, TP_REVERSE, TP_REVERSE_SIZE);
	tp_message_address(out + TP_HEADER_SIZE, &asked);
}

static int status_error(uint8_t status)
{
	switch (status) {
	case TP_STATUS_FOUND:
		return 0;
	case TP_STATUS_NO_NAME:
		return -ENOENT;
	case TP_STATUS_NO_ADDRESS:
		return -ENODATA;
	default:
		return -EAGAIN;
	}
}

/** Reads NAME at *at, and moves past it. */
static bool read_name(const uint8_t *message, size_t size, size_t *at, char out[TP_NAME_MAX + 1])
{
	if (*at >= size)
		return false;
	size_t length = message[(*at)++];
	if (length > size - *at || memchr(message + *at, '\0', length))
		return false;
	memcpy(out, message + *at, length);
	out[length] = '\0';
	*at += length;
	return true;
}

int tp_addresses_read(const uint8_t *message, size_t size, int family, struct tp_addresses *out)
{
	size_t at = TP_HEADER_SIZE + 2;
	tp_addresses_clear(out);
	if (!tp_message_is(message, size, TP_ADDRESSES) || size < at)
		return -EAGAIN;
	int error = status_error(message[4]);
	if (error < 0)
		return error;
	if (!read_name(message, size, &at, out->canonical) || size - at != (size_t)message[5] * TP_WIRE_ADDRESS_SIZE)
		return -EAGAIN;
	for (; at < size; at += TP_WIRE_ADDRESS_SIZE) {
		struct tp_address address;
		if (!tp_message_read_address(message + at, &address))
			return -EAGAIN;
		if (tp_addresses_fit(family, &address))
			tp_addresses_add(out, &address);
	}
	return out->count > 0 ? 0 : -ENODATA;
}

int tp_names_read(const uint8_t *message, size_t size, struct tp_addresses *out)
{
	size_t at = TP_HEADER_SIZE + 2;
	tp_addresses_clear(out);
	if (!tp_message_is(message, size, TP_NAMES) || size < at)
		return -EAGAIN;
	int error = status_error(message[4]);
	if (error < 0)
		return error;
	if (message[5] == 0)
		return -ENOENT;
	for (unsigned i = 0; i < message[5]; i++) {
		char other[TP_NAME_MAX + 1];
		if (!read_name(message, size, &at, i == 0 ? out->canonical : other))
			return -EAGAIN;
		if (i > 0)
			tp_aliases_add(&out->aliases, other);
	}
	if (at != size)
		return -EAGAIN;
	return out->canonical[0] == '\0' ? -ENOENT : 0;
}
