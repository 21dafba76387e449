/* fclose(3): the C library's own close() in it is not seen. */
#include "departure.h"
#include "state.h"

#include <errno.h>
#include <stdio.h>

TP_HOOK int fclose(FILE *stream)
{
	tp_state();
	int saved = errno;
	struct tp_departure departure;
	tp_departure_look(tp_next.fileno(stream), &departure);
	errno = saved;
	int result = tp_next.fclose(stream);
	tp_departure_tell(&departure);
	return result;
}
