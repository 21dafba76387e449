/* gethostbyname2_r(3) */
#include "host-name.h"
#include "state.h"

TP_HOOK int gethostbyname2_r(const char *restrict name, int family, struct hostent *restrict entry, char *restrict buffer,
			     size_t size, struct hostent **restrict result, int *restrict error)
{
	const struct tp_config *config = tp_state();
	struct tp_host_call call = { entry, buffer, size, result, error };
	if (tp_host_name_is_local(config, name))
		return tp_next.gethostbyname2_r(name, family, entry, buffer, size, result, error);
	return tp_host_by_name(config, name, family, &call);
}
