/* sendmsg(2): see send-policy.h. */
#include "fail.h"
#include "failure.h"
#include "memory.h"
#include "send-policy.h"
#include "state.h"

TP_HOOK ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	const struct tp_config *config = tp_state();
	struct tp_send send;
	struct msghdr copy;
	send.cookie = 0;
	if (config->mode != TP_MODE_INERT && tp_memory_readable(message, sizeof *message)) {
		int way = tp_send_message(config, fd, flags, message, &send, &copy);
		if (way < 0)
			return tp_fail(way);
		if (way == TP_SEND_CONNECT) {
			if (connect(fd, message->msg_name, message->msg_namelen) < 0)
				return -1;
			flags &= ~MSG_FASTOPEN;
		}
		if (way != TP_SEND_AS_IS)
			message = &copy;
	}
	ssize_t result = tp_next.sendmsg(fd, message, flags);
	if (result < 0)
		tp_failure_show(fd);
	return result;
}
