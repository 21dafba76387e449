/* fork(2): the child lets go of its parent's channel at once, so that the sidecar sees the parent's end. */
#include "channel.h"
#include "state.h"

#include <unistd.h>

TP_HOOK pid_t fork(void)
{
	tp_state();
	pid_t child = tp_next.fork();
	if (child == 0)
		tp_channel_forked();
	return child;
}
