/* _Fork(3): as fork(), without its handlers. */
#include "channel.h"
#include "state.h"

#include <unistd.h>

/* glibc has it since 2.34, musl since 1.2.4. */
pid_t _Fork(void);

TP_HOOK pid_t _Fork(void)
{
	tp_state();
	pid_t child = tp_next._Fork();
	if (child == 0)
		tp_channel_forked();
	return child;
}
