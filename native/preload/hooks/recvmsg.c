/* recvmsg(2): see datagram-source.h; tells of a failed dial too. */
#include "datagram-source.h"
#include "failure.h"
#include "memory.h"
#include "state.h"

TP_HOOK ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
	const struct tp_config *config = tp_state();
	socklen_t room = 0;
	if (config->dial_socket && tp_memory_readable(message, sizeof *message) && message->msg_name)
		room = message->msg_namelen;
	ssize_t result = tp_next.recvmsg(fd, message, flags);
	if (result < 0)
		tp_failure_show(fd);
	else if (room > 0)
		tp_datagram_received(config, message, room);
	return result;
}
