#include "host-entry.h"

#include <errno.h>
#include <string.h>

int tp_host_entry_write(struct hostent *entry, char *buffer, size_t size, const char *name, int family,
			const struct tp_addresses *addresses)
{
	size_t address_size = family == AF_INET ? 4 : 16;
	size_t name_size = strlen(name) + 1;
	size_t skew = (uintptr_t)buffer % sizeof(char *);
	size_t padding = skew ? sizeof(char *) - skew : 0;
	/* One NULL of no aliases, and the list of addresses with its own. */
	size_t pointers = (addresses->count + 2) * sizeof(char *);
	if (padding + pointers + addresses->count * address_size + name_size > size)
		return -ERANGE;
	char **aliases = (char **)(void *)(buffer + padding);
	char **list = aliases + 1;
	char *bytes = buffer + padding + pointers;
	size_t count = 0;
	aliases[0] = NULL;
	for (size_t i = 0; i < addresses->count; i++) {
		if (addresses->list[i].family != family)
			continue;
		memcpy(bytes, addresses->list[i].bytes, address_size);
		list[count++] = bytes;
		bytes += address_size;
	}
	list[count] = NULL;
	memcpy(bytes, name, name_size);
	entry->h_name = bytes;
	entry->h_aliases = aliases;
	entry->h_addrtype = family;
	entry->h_length = (int)address_size;
	entry->h_addr_list = list;
	return 0;
}

int tp_host_entry_error(int error)
{
	return error == -ENOENT || error == -EINVAL ? HOST_NOT_FOUND : TRY_AGAIN;
}
