/*
 * getsockname(2): an IPv6 socket that reaches an IPv6 destination through the IPv4 proxy is bound to ::ffff:127.0.0.1 in
 * the kernel; it shows what bind() asked for, or ::1. Every other socket has the kernel's answer.
 */
#include "flow.h"
#include "shown-name.h"
#include "socket.h"
#include "state.h"

#include <string.h>

TP_HOOK int getsockname(int fd, struct sockaddr *restrict address, socklen_t *restrict length)
{
	struct tp_address local, shown = { .family = AF_INET6, .bytes = { [15] = 1 } };
	static const uint8_t unbound[16];
	struct tp_flow flow;
	tp_state();

	if (!tp_flow_any() || tp_socket_name(fd, false, &local) < 0 || !local.mapped)
		return tp_next.getsockname(fd, address, length);
	if (tp_flow_find(tp_socket_identity(fd), &flow) == TP_FLOW_NONE || flow.asked.family != AF_INET6)
		return tp_next.getsockname(fd, address, length);
	if (memcmp(flow.local, unbound, sizeof unbound) != 0)
		memcpy(shown.bytes, flow.local, sizeof shown.bytes);
	shown.port = local.port;
	return tp_shown_name(tp_next.getsockname, fd, address, length, &shown);
}
