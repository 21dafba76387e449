#include "send-policy.h"

#include "datagram-route.h"
#include "datagram.h"
#include "memory.h"
#include "msghdr.h"
#include "socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

/** AF_UNSPEC is IPv4 to udp_sendmsg() and raw_sendmsg(). */
static int read_destination(struct tp_address *out, const struct sockaddr_storage *copy, socklen_t length)
{
	struct sockaddr_in in;
	if (copy->ss_family != AF_UNSPEC || length < sizeof in)
		return tp_address_read(out, copy, length);
	memcpy(&in, copy, sizeof in);
	in.sin_family = AF_INET;
	return tp_address_read(out, &in, sizeof in);
}

static bool is_stream(int fd)
{
	struct tp_socket socket;
	return tp_socket_read(&socket, fd) == 0 && tp_socket_is_stream(&socket);
}

int tp_send_policy(const struct tp_config *config, int fd, int flags, const void *address, socklen_t length,
		   struct tp_send *send)
{
	struct sockaddr_storage copy;
	if (config->mode == TP_MODE_INERT || !address || length < sizeof copy.ss_family || length > sizeof copy ||
	    !tp_memory_readable(address, length))
		return TP_SEND_AS_IS;
	memcpy(&copy, address, length);
	if (read_destination(&send->wanted, &copy, length) < 0)
		return TP_SEND_AS_IS;
	/* The kernel takes no AF_UNSPEC for Fast Open, and no MSG_FASTOPEN for anything but TCP. */
	if ((flags & MSG_FASTOPEN) && is_stream(fd))
		return copy.ss_family != AF_UNSPEC && tp_datagram_route_stream(config, &send->wanted) != TP_ROUTE_PASS ?
			TP_SEND_CONNECT : TP_SEND_AS_IS;
	return tp_datagram_send(config, fd, &send->cookie, copy.ss_family, &send->wanted, &send->instead, &send->length);
}

int tp_send_message(const struct tp_config *config, int fd, int flags, const struct msghdr *message, struct tp_send *send,
		    struct msghdr *copy)
{
	if (!message->msg_name) {
		if (!tp_datagram_any())
			return TP_SEND_AS_IS;
		size_t size = tp_msghdr_size(message);
		return tp_datagram_check(fd, size, size > TP_DATAGRAM_FITS ? tp_msghdr_segment(message) : 0);
	}
	int way = tp_send_policy(config, fd, flags, message->msg_name, message->msg_namelen, send);
	if (way <= 0)
		return way;
	*copy = *message;
	if (way == TP_SEND_CONNECT) {
		copy->msg_name = NULL;
		copy->msg_namelen = 0;
		return way;
	}
	/* It would look for loopback behind that device. */
	if (tp_msghdr_on_device(message))
		return -ENETUNREACH;
	int fit = tp_datagram_fit(fd, &send->wanted, tp_msghdr_size(message), tp_msghdr_segment(message));
	if (fit < 0)
		return fit;
	copy->msg_name = &send->instead;
	copy->msg_namelen = send->length;
	return way;
}
