/* sendmmsg(2): sends up to the first message that may not go, and fails only when that is the first of all. */
#include "fail.h"
#include "memory.h"
#include "send-policy.h"
#include "state.h"

/** The kernel takes no more at once (UIO_MAXIOV). */
#define MESSAGES_MAX 1024u

TP_HOOK int sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
	const struct tp_config *config = tp_state();
	for (unsigned i = 0; config->mode != TP_MODE_INERT && i < count && i < MESSAGES_MAX; i++) {
		const struct msghdr *header = &messages[i].msg_hdr;
		if (!tp_memory_readable(header, sizeof *header))
			break;
		int refused = header->msg_name ?
			tp_send_policy(config, fd, flags, header->msg_name, header->msg_namelen) : 0;
		if (refused == 0)
			continue;
		if (i == 0)
			return tp_fail(refused);
		count = i;
	}
	return tp_next.sendmmsg(fd, messages, count, flags);
}
