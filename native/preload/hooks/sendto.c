/* sendto(2): see send-policy.h. */
#include "datagram.h"
#include "fail.h"
#include "failure.h"
#include "send-policy.h"
#include "state.h"

TP_HOOK ssize_t sendto(int fd, const void *bytes, size_t size, int flags, const struct sockaddr *address, socklen_t length)
{
	struct tp_send send;
	send.cookie = 0;
	int way = address ? tp_send_policy(tp_state(), fd, flags, address, length, &send) : tp_datagram_check(fd, size, 0);
	if (way == TP_SEND_INSTEAD) {
		int fit = tp_datagram_fit(fd, &send.wanted, size, 0);
		way = fit < 0 ? fit : way;
	}
	if (way < 0)
		return tp_fail(way);
	if (way == TP_SEND_CONNECT) {
		if (connect(fd, address, length) < 0)
			return -1;
		flags &= ~MSG_FASTOPEN;
	}
	if (way != TP_SEND_AS_IS) {
		address = way == TP_SEND_INSTEAD ? (const struct sockaddr *)&send.instead : NULL;
		length = address ? send.length : 0;
	}
	ssize_t result = tp_next.sendto(fd, bytes, size, flags, address, length);
	if (result < 0)
		tp_failure_show(fd);
	return result;
}
