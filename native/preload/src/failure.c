#include "failure.h"

#include "board.h"
#include "channel.h"
#include "socket.h"
#include "state.h"

#include <errno.h>

int tp_failure_of(int fd)
{
	const struct tp_config *config = tp_state();
	/* What was dialled by another process may end here: after an exec, or by SCM_RIGHTS. */
	if (!config->dial_socket || (!tp_board_is() && tp_channel_open(config) < 0))
		return 0;
	return tp_board_failure(tp_socket_identity(fd));
}

void tp_failure_show(int fd)
{
	if (errno != ECONNRESET)
		return;
	int failure = tp_failure_of(fd);
	if (failure > 0)
		errno = failure;
}
