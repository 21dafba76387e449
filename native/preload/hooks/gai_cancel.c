/* gai_cancel(3): a lookup under way is not given up; a program must expect that of glibc's too. */
#include "state.h"

TP_HOOK int gai_cancel(struct gaicb *request)
{
	const struct tp_config *config = tp_state();
	if (config->mode == TP_MODE_INERT) {
		__typeof__(gai_cancel) *next = (__typeof__(next))tp_next_find("gai_cancel");
		if (next)
			return next(request);
	}
	return __atomic_load_n(&request->__return, __ATOMIC_ACQUIRE) == EAI_INPROGRESS ? EAI_NOTCANCELED : EAI_ALLDONE;
}
