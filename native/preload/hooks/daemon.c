/* daemon(3): the C library's own fork() in it is not seen. */
#include "channel.h"
#include "state.h"

#include <unistd.h>

TP_HOOK int daemon(int keep_directory, int keep_streams)
{
	tp_state();
	int result = tp_next.daemon(keep_directory, keep_streams);
	if (result == 0)
		tp_channel_forked();
	return result;
}
