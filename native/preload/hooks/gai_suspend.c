/* gai_suspend(3): the C library does not know our requests, and would say that all are done. */
#include "async-lookup.h"
#include "state.h"

TP_HOOK int gai_suspend(const struct gaicb *const list[], int count, const struct timespec *limit)
{
	const struct tp_config *config = tp_state();
	if (config->mode == TP_MODE_INERT) {
		__typeof__(gai_suspend) *next = (__typeof__(next))tp_next_find("gai_suspend");
		if (next)
			return next(list, count, limit);
	}
	return tp_async_suspend(list, count, limit);
}
