#include "socks5-request.h"

#include <string.h>

static size_t put_credential(uint8_t *out, const char *value, uint8_t length)
{
	out[0] = length;
	memcpy(out + 1, value, length);
	return 1u + length;
}

size_t tp_socks5_encode(uint8_t out[TP_SOCKS5_REQUEST_MAX], const struct tp_config *config,
			const struct tp_socks5_request *request)
{
	size_t length = 0;
	out[length++] = 5;
	out[length++] = 1;
	out[length++] = config->user_length ? 2 : 0;
	if (config->user_length) {
		out[length++] = 1; /* RFC 1929 §2: the version of the subnegotiation */
		length += put_credential(out + length, config->user, config->user_length);
		length += put_credential(out + length, config->password, config->password_length);
	}
	out[length++] = 5;
	out[length++] = (uint8_t)request->command;
	out[length++] = 0;
	if (request->name) {
		out[length++] = 3;
		length += put_credential(out + length, request->name, (uint8_t)strlen(request->name));
	} else {
		size_t size = request->address->family == AF_INET ? 4 : 16;
		out[length++] = size == 4 ? 1 : 4;
		memcpy(out + length, request->address->bytes, size);
		length += size;
	}
	out[length++] = (uint8_t)(request->port >> 8);
	out[length++] = (uint8_t)request->port;
	return length;
}
