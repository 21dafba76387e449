/* recvmmsg(2): see datagram-source.h; tells of a failed dial too. */
#include "datagram-source.h"
#include "failure.h"
#include "msghdr.h"
#include "state.h"

/** The kernel gives no more at once (UIO_MAXIOV). */
#define MESSAGES_MAX 1024u

TP_HOOK int recvmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags, struct timespec *limit)
{
	const struct tp_config *config = tp_state();
	uint8_t rooms[MESSAGES_MAX];
	unsigned most = count < MESSAGES_MAX ? count : MESSAGES_MAX;
	unsigned good = config->dial_socket ? tp_msghdr_readable(messages, most) : 0;
	for (unsigned i = 0; i < good; i++) {
		socklen_t room = messages[i].msg_hdr.msg_name ? messages[i].msg_hdr.msg_namelen : 0;
		rooms[i] = room < sizeof(struct sockaddr_storage) ? (uint8_t)room : sizeof(struct sockaddr_storage);
	}
	int result = tp_next.recvmmsg(fd, messages, count, flags, limit);
	if (result < 0)
		tp_failure_show(fd);
	for (int i = 0; i < result && i < (int)good; i++)
		if (rooms[i] > 0)
			tp_datagram_received(config, &messages[i].msg_hdr, rooms[i]);
	return result;
}
