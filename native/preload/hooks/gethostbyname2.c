/* gethostbyname2(3): the result lies in static memory, as POSIX has it of gethostbyname(). */
#include "host-name.h"
#include "state.h"

TP_HOOK struct hostent *gethostbyname2(const char *name, int family)
{
	static struct hostent entry;
	static char buffer[TP_HOST_ENTRY_MAX];
	const struct tp_config *config = tp_state();
	struct hostent *result = NULL;
	int error = 0;
	struct tp_host_call call = { &entry, buffer, sizeof buffer, &result, &error };
	if (tp_host_name_is_local(config, name))
		return tp_next.gethostbyname2(name, family);
	tp_host_by_name(config, name, family, &call);
	if (!result)
		h_errno = error;
	return result;
}
