/* getnameinfo(3): the name is the session's, the service and everything numeric the C library's. */
#include "lookup.h"
#include "state.h"

#include <errno.h>
#include <string.h>

/** Whether a name is wanted that the host's resolver would be asked for. */
static bool is_asked(const struct tp_config *config, const struct sockaddr *address, socklen_t length, const char *host,
		     socklen_t host_size, int flags, struct tp_address *out)
{
	if (config->mode == TP_MODE_INERT || !host || host_size == 0 || (flags & NI_NUMERICHOST))
		return false;
	if (tp_address_read(out, address, length) != 0)
		return false;
	return config->dial_socket || (!tp_address_is_loopback(out) && !tp_config_bypasses(config, out));
}

TP_HOOK int getnameinfo(const struct sockaddr *restrict address, socklen_t length, char *restrict host,
			socklen_t host_size, char *restrict service, socklen_t service_size, int flags)
{
	const struct tp_config *config = tp_state();
	struct tp_address asked;
	struct tp_addresses names;
	int saved = errno;

	if (!is_asked(config, address, length, host, host_size, flags, &asked))
		return tp_next.getnameinfo(address, length, host, host_size, service, service_size, flags);
	int result = tp_lookup_address(config, &asked, &names);
	errno = saved;
	if (result == -EAGAIN)
		return EAI_AGAIN;
	if (result < 0) {
		if (flags & NI_NAMEREQD)
			return EAI_NONAME;
		return tp_next.getnameinfo(address, length, host, host_size, service, service_size,
					   flags | NI_NUMERICHOST);
	}
	size_t size = strlen(names.canonical) + 1;
	if (size > host_size)
		return EAI_OVERFLOW;
	/* NI_NAMEREQD is about the host, and glibc refuses it beside NI_NUMERICHOST. */
	if (service && service_size > 0) {
		result = tp_next.getnameinfo(address, length, NULL, 0, service, service_size, flags & ~NI_NAMEREQD);
		if (result != 0)
			return result;
	}
	memcpy(host, names.canonical, size);
	return 0;
}
