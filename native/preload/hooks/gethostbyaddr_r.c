/* gethostbyaddr_r(3) */
#include "host-name.h"
#include "state.h"

TP_HOOK int gethostbyaddr_r(const void *restrict address, socklen_t length, int family, struct hostent *restrict entry,
			    char *restrict buffer, size_t size, struct hostent **restrict result, int *restrict error)
{
	const struct tp_config *config = tp_state();
	struct tp_host_call call = { entry, buffer, size, result, error };
	struct tp_address asked;
	if (!tp_host_address_read(config, address, length, family, &asked))
		return tp_next.gethostbyaddr_r(address, length, family, entry, buffer, size, result, error);
	return tp_host_by_address(config, &asked, family, &call);
}
