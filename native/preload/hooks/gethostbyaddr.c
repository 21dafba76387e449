/* gethostbyaddr(3): the result lies in static memory, as POSIX has it. */
#include "host-name.h"
#include "state.h"

TP_HOOK struct hostent *gethostbyaddr(const void *address, socklen_t length, int family)
{
	static struct hostent entry;
	static char buffer[TP_HOST_ENTRY_MAX];
	const struct tp_config *config = tp_state();
	struct hostent *result = NULL;
	int error = 0;
	struct tp_host_call call = { &entry, buffer, sizeof buffer, &result, &error };
	struct tp_address asked;
	if (!tp_host_address_read(config, address, length, family, &asked))
		return tp_next.gethostbyaddr(address, length, family);
	tp_host_by_address(config, &asked, family, &call);
	if (!result)
		h_errno = error;
	return result;
}
