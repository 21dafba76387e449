/*
 * What a sidecar answers, whatever it is: the readers of ADDRESSES and NAMES stay inside the message, and what they find is
 * addresses of the family that was asked for and names that end. The first byte of the input says what was asked, and whether
 * the header is right.
 */
#include "dns-message.h"
#include "message.h"
#include "name-message.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int result, int family, const struct tp_addresses *found)
{
	if (result != 0 && result != -EAGAIN && result != -ENOENT && result != -ENODATA)
		abort();
	if (found->count > TP_LOOKUP_MAX || strlen(found->canonical) > TP_NAME_MAX)
		abort();
	if (found->aliases.count > TP_ALIASES_MAX || found->aliases.size > TP_ALIASES_SIZE)
		abort();
	for (size_t i = 0; result == 0 && i < found->count; i++)
		if (!tp_addresses_fit(family, &found->list[i]))
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int families[] = { AF_UNSPEC, AF_INET, AF_INET6, AF_UNSPEC };
	struct tp_addresses found;
	if (size < 1)
		return 0;
	int family = families[data[0] & 3];
	uint8_t type = data[0] & 4 ? TP_NAMES : TP_ADDRESSES;
	/* A copy of the very size: the sanitizer sees every read past it. */
	uint8_t *copy = malloc(size);
	memcpy(copy, data + 1, --size);
	if ((data[0] & 8) == 0 && size >= TP_HEADER_SIZE)
		tp_message_head(copy, type, size);
	if (type == TP_NAMES)
		check(tp_names_read(copy, size, &found), AF_UNSPEC, &found);
	else
		check(tp_addresses_read(copy, size, family, &found), family, &found);
	if (size >= TP_DNS_HEADER_SIZE) {
		tp_dns_outcome(copy);
		tp_dns_mark_truncated(copy);
	}
	free(copy);
	return 0;
}
