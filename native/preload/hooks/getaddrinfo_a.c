/* getaddrinfo_a(3) */
#include "async-lookup.h"
#include "fail.h"
#include "state.h"

TP_HOOK int getaddrinfo_a(int mode, struct gaicb *list[], int count, struct sigevent *notify)
{
	const struct tp_config *config = tp_state();
	if (config->mode == TP_MODE_INERT) {
		__typeof__(getaddrinfo_a) *next = (__typeof__(next))tp_next_find("getaddrinfo_a");
		if (next)
			return next(mode, list, count, notify);
	}
	if ((mode != GAI_WAIT && mode != GAI_NOWAIT) || count < 0) {
		tp_fail(-EINVAL);
		return EAI_SYSTEM;
	}
	return tp_async_start(list, count, notify, mode == GAI_WAIT);
}
