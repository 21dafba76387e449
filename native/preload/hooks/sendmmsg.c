/*
 * sendmmsg(2): each message goes where sendmsg() would send it, and it fails only when the first of all does. Messages whose
 * header is another one are sent from copies, a few at a time: the program's own are written to only where the kernel does.
 */
#include "fail.h"
#include "failure.h"
#include "msghdr.h"
#include "send-policy.h"
#include "state.h"

/** The kernel takes no more at once (UIO_MAXIOV). */
#define MESSAGES_MAX 1024u

enum { TOGETHER = 16 };

/** Sends at most TOGETHER of them. Returns how many went, or -1; *end: no more are to be tried. */
static int send_some(const struct tp_config *config, int fd, struct mmsghdr *messages, unsigned count, int flags, bool *end)
{
	struct mmsghdr copies[TOGETHER];
	struct tp_send sends[TOGETHER];
	unsigned some = 0;
	int refused = 0;
	sends[0].cookie = 0;
	while (some < count && some < TOGETHER && refused == 0) {
		struct tp_send *send = &sends[some];
		send->cookie = sends[0].cookie;
		copies[some] = messages[some];
		int way = tp_send_message(config, fd, flags, &messages[some].msg_hdr, send, &copies[some].msg_hdr);
		if (way == TP_SEND_CONNECT) {
			/* Alone: those behind it find the socket connected, which is the kernel's own EISCONN. */
			if (some > 0)
				break;
			*end = true;
			ssize_t size = sendmsg(fd, &messages[0].msg_hdr, flags);
			if (size >= 0)
				messages[0].msg_len = (unsigned)size;
			return size < 0 ? -1 : 1;
		}
		if (way < 0)
			refused = way;
		else
			some++;
	}
	if (some == 0)
		return tp_fail(refused);
	int sent = tp_next.sendmmsg(fd, copies, some, flags);
	for (int i = 0; i < sent; i++)
		messages[i].msg_len = copies[i].msg_len;
	*end = refused < 0 || sent < (int)some;
	return sent;
}

/** Whether all go to the kernel as they are; true also when there is nothing to be read. */
static bool as_they_are(const struct tp_config *config, int fd, const struct mmsghdr *messages, unsigned count, int flags)
{
	struct tp_send send;
	struct msghdr copy;
	send.cookie = 0;
	for (unsigned i = 0; i < count; i++)
		if (tp_send_message(config, fd, flags, &messages[i].msg_hdr, &send, &copy) != TP_SEND_AS_IS)
			return false;
	return true;
}

TP_HOOK int sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
	const struct tp_config *config = tp_state();
	unsigned total = 0;
	bool end = false;
	if (count > MESSAGES_MAX)
		count = MESSAGES_MAX;
	unsigned good = config->mode == TP_MODE_INERT ? 0 : tp_msghdr_readable(messages, count);
	if (as_they_are(config, fd, messages, good, flags)) {
		int sent = tp_next.sendmmsg(fd, messages, count, flags);
		if (sent < 0)
			tp_failure_show(fd);
		return sent;
	}
	int saved = errno;
	while (total < good && !end) {
		int sent = send_some(config, fd, messages + total, good - total, flags, &end);
		if (sent < 0 && total == 0) {
			tp_failure_show(fd);
			return sent;
		}
		if (sent <= 0)
			break;
		total += (unsigned)sent;
	}
	errno = saved;
	return (int)total;
}
