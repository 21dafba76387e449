/* sendmsg(2): see send-policy.h. */
#include "fail.h"
#include "memory.h"
#include "send-policy.h"
#include "state.h"

TP_HOOK ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	const struct tp_config *config = tp_state();
	if (config->mode != TP_MODE_INERT && tp_memory_readable(message, sizeof *message) && message->msg_name) {
		int refused = tp_send_policy(config, fd, flags, message->msg_name, message->msg_namelen);
		if (refused < 0)
			return tp_fail(refused);
	}
	return tp_next.sendmsg(fd, message, flags);
}
