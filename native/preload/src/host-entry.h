/* struct hostent in a buffer of the caller's, as gethostbyname_r() lays it out. */
#ifndef TP_HOST_ENTRY_H
#define TP_HOST_ENTRY_H

#include "lookup.h"

#include <netdb.h>

/** Room for the longest name, all aliases and all addresses. */
#define TP_HOST_ENTRY_MAX 2560

/** `name` is what was asked for. Only addresses of `family` are taken. Returns 0 or -ERANGE. */
int tp_host_entry_write(struct hostent *entry, char *buffer, size_t size, const char *name, int family,
			const struct tp_addresses *addresses);

/** h_errno of a lookup that failed. */
int tp_host_entry_error(int error);

#endif
