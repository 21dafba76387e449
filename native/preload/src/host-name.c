#include "host-name.h"

#include "ip-text.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

bool tp_host_name_is_local(const struct tp_config *config, const char *name)
{
	return config->mode == TP_MODE_INERT || tp_ip_is_numeric(name) || tp_lookup_is_localhost(config, name);
}

static int finish(const struct tp_host_call *call, int error)
{
	*call->result = NULL;
	if (error == 0) {
		*call->result = call->entry;
		*call->error = NETDB_SUCCESS;
		return 0;
	}
	if (error == -ERANGE) {
		*call->error = NETDB_INTERNAL;
		return ERANGE;
	}
	*call->error = tp_host_entry_error(error);
	/* As in glibc: not finding a name is an answer, not finding out is an error. */
	return *call->error == TRY_AGAIN ? EAGAIN : 0;
}

int tp_host_by_name(const struct tp_config *config, const char *name, int family, const struct tp_host_call *call)
{
	struct tp_addresses found;
	int error = family == AF_INET || family == AF_INET6 ? tp_lookup_name(config, name, family, &found) : -EINVAL;
	if (error == 0)
		error = tp_host_entry_write(call->entry, call->buffer, call->size, name, family, &found);
	return finish(call, error);
}

bool tp_host_address_read(const struct tp_config *config, const void *bytes, socklen_t length, int family,
			  struct tp_address *out)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	if (config->mode == TP_MODE_INERT || !bytes)
		return false;
	if (family == AF_INET && length == sizeof in.sin_addr) {
		memcpy(&in.sin_addr, bytes, length);
		tp_address_read(out, &in, sizeof in);
	} else if (family == AF_INET6 && length == sizeof in6.sin6_addr) {
		memcpy(&in6.sin6_addr, bytes, length);
		tp_address_read(out, &in6, sizeof in6);
	} else {
		return false;
	}
	/* The C library would ask the host's resolver; where the session can be asked, nothing is left to it. */
	return config->dial_socket || (!tp_address_is_loopback(out) && !tp_config_bypasses(config, out));
}

int tp_host_by_address(const struct tp_config *config, const struct tp_address *address, int family,
		       const struct tp_host_call *call)
{
	struct tp_addresses self;
	int error = tp_lookup_address(config, address, &self);
	self.count = 1;
	self.list[0] = *address;
	if (error == 0 && family == AF_INET6 && address->family == AF_INET) {
		/* Asked for as ::ffff:a.b.c.d: h_addr_list has what was asked for. */
		memset(self.list[0].bytes, 0, 10);
		memset(self.list[0].bytes + 10, 0xff, 2);
		memcpy(self.list[0].bytes + 12, address->bytes, 4);
		self.list[0].family = AF_INET6;
	}
	if (error == 0)
		error = tp_host_entry_write(call->entry, call->buffer, call->size, self.canonical, family, &self);
	return finish(call, error);
}
