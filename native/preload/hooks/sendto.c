/* sendto(2): see send-policy.h. */
#include "fail.h"
#include "send-policy.h"
#include "state.h"

TP_HOOK ssize_t sendto(int fd, const void *bytes, size_t size, int flags, const struct sockaddr *address, socklen_t length)
{
	int refused = tp_send_policy(tp_state(), fd, flags, address, length);
	if (refused < 0)
		return tp_fail(refused);
	return tp_next.sendto(fd, bytes, size, flags, address, length);
}
