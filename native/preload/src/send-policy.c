#include "send-policy.h"

#include "memory.h"
#include "route.h"
#include "socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

/** AF_UNSPEC is IPv4 to udp_sendmsg() and raw_sendmsg(), and no address to IPv6 sockets. */
static int read_destination(struct tp_address *out, const struct sockaddr_storage *copy, socklen_t length)
{
	struct sockaddr_in in;
	if (copy->ss_family != AF_UNSPEC || length < sizeof in)
		return tp_address_read(out, copy, length);
	memcpy(&in, copy, sizeof in);
	in.sin_family = AF_INET;
	return tp_address_read(out, &in, sizeof in);
}

int tp_send_policy(const struct tp_config *config, int fd, int flags, const void *address, socklen_t length)
{
	struct sockaddr_storage copy;
	struct tp_address destination;
	struct tp_socket socket;
	if (config->mode == TP_MODE_INERT || !address || length < sizeof copy.ss_family || length > sizeof copy ||
	    !tp_memory_readable(address, length))
		return 0;
	memcpy(&copy, address, length);
	if (read_destination(&destination, &copy, length) < 0)
		return 0;
	int stream = tp_route_stream(config, &destination);
	int other = tp_route_other(config, &destination);
	if (stream == TP_ROUTE_PASS || (other == TP_ROUTE_PASS && !(flags & MSG_FASTOPEN)))
		return 0;
	if (tp_socket_read(&socket, fd) < 0)
		return 0;
	/* TCP takes no notice of a destination unless it is to connect by it. */
	if (tp_socket_is_stream(&socket))
		return !(flags & MSG_FASTOPEN) ? 0 : stream < 0 ? stream : -EOPNOTSUPP;
	/* Unix, netlink and packet sockets have other addresses: these bytes only look like an IP address. */
	if (socket.domain != AF_INET && socket.domain != AF_INET6)
		return 0;
	return other;
}
