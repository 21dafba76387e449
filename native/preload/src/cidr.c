#include "cidr.h"

#include "ip-text.h"

#include <errno.h>
#include <string.h>

int tp_cidr_parse(struct tp_cidr *cidr, const char *text, size_t length)
{
	struct tp_address address = { 0 };
	size_t slash = 0;
	while (slash < length && text[slash] != '/')
		slash++;
	if (tp_ip_parse(&address, text, slash) < 0)
		return -EINVAL;
	long widest = address.family == AF_INET ? 32 : 128;
	long bits = widest;
	if (slash < length) {
		bits = tp_decimal_parse(text + slash + 1, length - slash - 1, address.mapped ? 128 : widest);
		if (bits < 0)
			return -EINVAL;
		/* ::ffff:0:0/90 would be IPv4 and more; nothing asks for that. */
		if (address.mapped && (bits -= 96) < 0)
			return -EINVAL;
	}
	memcpy(cidr->bytes, address.bytes, sizeof cidr->bytes);
	cidr->family = address.family;
	cidr->bits = (uint8_t)bits;
	return 0;
}

bool tp_cidr_contains(const struct tp_cidr *cidr, const struct tp_address *address)
{
	size_t whole = cidr->bits / 8u;
	unsigned rest = cidr->bits % 8u;
	if (cidr->family != address->family || memcmp(cidr->bytes, address->bytes, whole) != 0)
		return false;
	return rest == 0 || ((cidr->bytes[whole] ^ address->bytes[whole]) >> (8 - rest)) == 0;
}
