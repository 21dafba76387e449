#include "address.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

static const uint8_t mapped_prefix[12] = { [10] = 0xff, [11] = 0xff };

int tp_address_read(struct tp_address *address, const void *sockaddr, socklen_t length)
{
	sa_family_t family;
	if (length < sizeof family)
		return -EINVAL;
	memcpy(&family, sockaddr, sizeof family);
	memset(address, 0, sizeof *address);
	if (family == AF_INET) {
		struct sockaddr_in in;
		if (length < sizeof in)
			return -EINVAL;
		memcpy(&in, sockaddr, sizeof in);
		memcpy(address->bytes, &in.sin_addr, 4);
		address->port = ntohs(in.sin_port);
		address->family = AF_INET;
		return 0;
	}
	if (family != AF_INET6)
		return -EAFNOSUPPORT;
	struct sockaddr_in6 in6 = { 0 };
	if (length < TP_SOCKADDR_IN6_MIN)
		return -EINVAL;
	memcpy(&in6, sockaddr, length < sizeof in6 ? length : sizeof in6);
	address->port = ntohs(in6.sin6_port);
	if (memcmp(&in6.sin6_addr, mapped_prefix, sizeof mapped_prefix) == 0) {
		memcpy(address->bytes, (const uint8_t *)&in6.sin6_addr + 12, 4);
		address->family = AF_INET;
		address->mapped = 1;
		return 0;
	}
	memcpy(address->bytes, &in6.sin6_addr, 16);
	address->scope = in6.sin6_scope_id;
	address->family = AF_INET6;
	return 0;
}

socklen_t tp_address_write(const struct tp_address *address, int domain, struct sockaddr_storage *out)
{
	memset(out, 0, sizeof *out);
	if (domain == AF_INET) {
		struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(address->port) };
		if (address->family != AF_INET)
			return 0;
		memcpy(&in.sin_addr, address->bytes, 4);
		memcpy(out, &in, sizeof in);
		return sizeof in;
	}
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(address->port) };
	uint8_t *bytes = (uint8_t *)&in6.sin6_addr;
	if (address->family == AF_INET) {
		memcpy(bytes, mapped_prefix, sizeof mapped_prefix);
		memcpy(bytes + 12, address->bytes, 4);
	} else {
		memcpy(bytes, address->bytes, 16);
		in6.sin6_scope_id = address->scope;
	}
	memcpy(out, &in6, sizeof in6);
	return sizeof in6;
}

bool tp_address_same(const struct tp_address *a, const struct tp_address *b)
{
	return a->family == b->family && a->port == b->port &&
	       memcmp(a->bytes, b->bytes, a->family == AF_INET ? 4 : 16) == 0;
}

bool tp_address_is_loopback(const struct tp_address *address)
{
	static const uint8_t one[16] = { [15] = 1 };
	static const uint8_t any[16];
	if (address->family == AF_INET)
		return address->bytes[0] == 127 || memcmp(address->bytes, any, 4) == 0;
	return memcmp(address->bytes, one, 16) == 0 || memcmp(address->bytes, any, 16) == 0;
}

bool tp_address_is_tailnet(const struct tp_address *address)
{
	static const uint8_t prefix[6] = { 0xfd, 0x7a, 0x11, 0x5c, 0xa1, 0xe0 };
	if (address->family == AF_INET)
		return address->bytes[0] == 100 && (address->bytes[1] & 0xc0) == 64;
	return memcmp(address->bytes, prefix, sizeof prefix) == 0;
}
