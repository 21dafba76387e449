#include "message.h"

#include <string.h>

void tp_message_head(uint8_t *message, uint8_t type, size_t size)
{
	uint16_t length = (uint16_t)size;
	message[0] = TP_PROTOCOL_VERSION;
	message[1] = type;
	memcpy(message + 2, &length, sizeof length);
}

bool tp_message_is(const uint8_t *message, size_t size, uint8_t type)
{
	uint16_t length;
	if (size < TP_HEADER_SIZE || message[0] != TP_PROTOCOL_VERSION || message[1] != type)
		return false;
	memcpy(&length, message + 2, sizeof length);
	return length == size;
}

void tp_message_address(uint8_t *out, const struct tp_address *address)
{
	memset(out, 0, TP_WIRE_ADDRESS_SIZE);
	out[0] = address->family == AF_INET ? 4 : 6;
	memcpy(out + 2, &address->port, sizeof address->port);
	memcpy(out + 4, address->bytes, address->family == AF_INET ? 4 : 16);
}

bool tp_message_read_address(const uint8_t *bytes, struct tp_address *out)
{
	static const uint8_t none[12];
	if (bytes[1] != 0 || (bytes[0] != 6 && (bytes[0] != 4 || memcmp(bytes + 8, none, sizeof none) != 0)))
		return false;
	memset(out, 0, sizeof *out);
	out->family = bytes[0] == 4 ? AF_INET : AF_INET6;
	memcpy(&out->port, bytes + 2, sizeof out->port);
	memcpy(out->bytes, bytes + 4, 16);
	return true;
}
