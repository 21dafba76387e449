/*
 * getsockopt(2): SO_ERROR is how a program learns the end of a connect() that a signal or SO_SNDTIMEO left unfinished, so
 * that a dial left unfinished over SOCKS5 is finished here, and shows why one over the dial socket failed. IPV6_V6ONLY is
 * what the program set, not what the dial needs.
 */
#include "datagram.h"
#include "dial.h"
#include "failure.h"
#include "flow.h"
#include "memory.h"
#include "socket.h"
#include "state.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

/** Ends a pending dial. Returns its errno, positive, or 0. */
static int finish_dial(int fd, const struct tp_config *config)
{
	struct tp_flow flow;
	uint64_t identity = tp_socket_identity(fd);
	if (identity == 0 || tp_flow_resume(identity, &flow) != TP_FLOW_PENDING)
		return 0;
	int result = tp_dial(fd, config, &flow, true);
	if (result < 0)
		tp_dial_undo(fd, &flow);
	flow.unclaimed = 1;
	tp_flow_settle(identity, &flow, result == 0 ? TP_FLOW_CONNECTED : TP_FLOW_NONE);
	return -result;
}

static bool hides_v6only(int fd)
{
	struct tp_flow flow;
	return tp_flow_any() && tp_flow_find(tp_socket_identity(fd), &flow) != TP_FLOW_NONE && flow.v6only;
}

/** The errno that stands for the one which the kernel has just written there; 0: none does. */
static int failure_behind(int fd, const void *value, socklen_t length)
{
	int error;
	if (length != sizeof error)
		return 0;
	memcpy(&error, value, sizeof error);
	return tp_failure_of(fd, error);
}

TP_HOOK int getsockopt(int fd, int level, int name, void *restrict value, socklen_t *restrict length)
{
	const struct tp_config *config = tp_state();
	int shown = 0;

	if (level == SOL_SOCKET && name == SO_ERROR && tp_flow_unsettled()) {
		int saved = errno;
		shown = finish_dial(fd, config);
		errno = saved;
	} else if (level == IPPROTO_IPV6 && name == IPV6_V6ONLY && hides_v6only(fd)) {
		shown = 1;
	}
	if ((level == IPPROTO_IP && name == IP_MTU) || (level == IPPROTO_IPV6 && name == IPV6_MTU))
		shown = tp_datagram_path_mtu(fd);
	int result = tp_next.getsockopt(fd, level, name, value, length);
	if (result == 0 && level == SOL_SOCKET && name == SO_ERROR && shown == 0)
		shown = failure_behind(fd, value, tp_memory_length(length));
	if (result == 0 && shown != 0 && tp_memory_length(length) == sizeof shown)
		memcpy(value, &shown, sizeof shown);
	return result;
}
