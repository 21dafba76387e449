/* fclose(3): the C library's own close() in it is not seen. */
#include "state.h"
#include "tarpit.h"

#include <errno.h>
#include <stdio.h>

TP_HOOK int fclose(FILE *stream)
{
	tp_state();
	int saved = errno;
	uint64_t pending = tp_tarpit_pending(tp_next.fileno(stream));
	errno = saved;
	int result = tp_next.fclose(stream);
	tp_tarpit_cancel(pending);
	return result;
}
