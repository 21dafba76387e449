/* gethostbyname() and its relatives, in the one form that serves them all. */
#ifndef TP_HOST_NAME_H
#define TP_HOST_NAME_H

#include "host-entry.h"

/** A caller's buffer, and where gethostbyname_r() puts what came out. */
struct tp_host_call {
	struct hostent *entry;
	char *buffer;
	size_t size;
	struct hostent **result;
	int *error; /* h_errno */
};

/** Whether the C library answers this name without asking anyone. */
bool tp_host_name_is_local(const struct tp_config *config, const char *name);

/** Returns what gethostbyname2_r() returns: 0, also for a name that does not exist, ERANGE, or EAGAIN. */
int tp_host_by_name(const struct tp_config *config, const char *name, int family, const struct tp_host_call *call);

/** False when gethostbyaddr() for this is the C library's: loopback, bypassed, or no address at all. */
bool tp_host_address_read(const struct tp_config *config, const void *bytes, socklen_t length, int family,
			  struct tp_address *out);

int tp_host_by_address(const struct tp_config *config, const struct tp_address *address, int family,
		       const struct tp_host_call *call);

#endif
