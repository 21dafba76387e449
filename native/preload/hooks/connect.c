/*
 * connect(2): TCP goes to the sidecar, or through the proxy, on the program's own socket, so that the descriptor, its options and
 * whatever else watches it stay what they are. Async-signal-safe, as POSIX has it: no lock, no allocation, no C library.
 */
#include "board.h"
#include "channel.h"
#include "datagram.h"
#include "dial.h"
#include "fail.h"
#include "flow.h"
#include "line.h"
#include "memory.h"
#include "route.h"
#include "socket.h"
#include "stand-in.h"
#include "state.h"
#include "tarpit.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#ifndef TCP_FASTOPEN_CONNECT
#define TCP_FASTOPEN_CONNECT 30
#endif

static void say(const struct tp_config *config, const struct tp_address *address, int result)
{
	struct tp_line line = { 0 };
	if (!config->verbose)
		return;
	tp_line_text(&line, "connect ");
	tp_line_address(&line, address);
	if (tp_stand_in_name(address)) {
		tp_line_text(&line, " for ");
		tp_line_text(&line, tp_stand_in_name(address));
	}
	tp_line_text(&line, ": ");
	tp_line_error(&line, -result);
	tp_line_write(&line);
}

/** Makes an IPv6 socket able to reach the proxy, and notes what getsockname() has to answer. */
static int prepare_ipv6(int fd, const struct tp_config *config, struct tp_flow *flow)
{
	struct tp_address local;
	bool v6only = tp_socket_option(fd, IPPROTO_IPV6, IPV6_V6ONLY) == 1;
	if (v6only && flow->asked.mapped)
		return -ENETUNREACH; /* as the kernel answers */
	if (tp_socket_name(fd, false, &local) == 0 && local.family == AF_INET6)
		memcpy(flow->local, local.bytes, sizeof flow->local);
	if (!v6only || config->proxy.family == AF_INET6)
		return 0;
	/* EINVAL once the socket is bound: an IPv4 proxy is then out of its reach. */
	if (tp_socket_set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0) < 0)
		return -ENETUNREACH;
	flow->v6only = 1;
	return 0;
}

static int settle(int fd, const struct tp_config *config, uint64_t identity, struct tp_flow *flow, bool resumed)
{
	int result = tp_dial(fd, config, flow, false);
	if (result == -EINTR || result == -EINPROGRESS) {
		tp_flow_settle(identity, flow, TP_FLOW_PENDING);
		return resumed && result == -EINPROGRESS ? -EALREADY : result;
	}
	if (result == 0) {
		tp_flow_settle(identity, flow, TP_FLOW_CONNECTED);
	} else {
		if (!tp_dial_left_alone(flow) && tp_socket_identity(fd) == identity)
			tp_dial_undo(fd, flow);
		tp_flow_settle(identity, flow, TP_FLOW_NONE);
	}
	say(config, &flow->asked, result);
	return result;
}

static int already_connected(uint64_t identity)
{
	struct tp_flow flow;
	if (tp_flow_find(identity, &flow) != TP_FLOW_CONNECTED || !flow.unclaimed)
		return -EISCONN;
	flow.unclaimed = 0;
	tp_flow_settle(identity, &flow, TP_FLOW_CONNECTED);
	return 0;
}

static int dial(int fd, const struct tp_config *config, const struct tp_socket *socket, const struct tp_address *address)
{
	struct tp_flow flow = { .asked = *address, .fd = fd, .stage = TP_STAGE_CONNECT };
	struct tp_address peer;
	uint64_t identity = tp_socket_identity(fd);
	if (tp_stand_in_is(address) && !tp_stand_in_name(address))
		return -EHOSTUNREACH;
	/* A socket that is connected keeps what is known of it. */
	if (tp_socket_name(fd, true, &peer) == 0)
		return already_connected(identity);
	/* Its route would send the proxy's address out by that device. */
	if (tp_socket_on_device(fd))
		return -ENETUNREACH;
	if (socket->domain == AF_INET6) {
		int result = prepare_ipv6(fd, config, &flow);
		if (result < 0)
			return result;
	}
	/* Fast Open would put the dial off to the first write; the kernel too may always do without it. */
	if (tp_socket_option(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT) == 1)
		tp_socket_set_option(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 0);
	tp_socks5_reader_init(&flow.reader, config->user_length != 0);
	if (tp_flow_begin(identity, &flow, tp_socket_identity) != TP_FLOW_NONE)
		return -EALREADY; /* another thread came first */
	return settle(fd, config, identity, &flow, false);
}

/**
 * A connect() on a socket whose dial is unfinished: whatever the address, as in the kernel, it goes on with that one.
 * Returns 1 when there is none, else what connect() ends with.
 */
static int resume(int fd, const struct tp_config *config)
{
	struct tp_flow flow;
	uint64_t identity = tp_socket_identity(fd);
	switch (identity ? tp_flow_resume(identity, &flow) : TP_FLOW_NONE) {
	case TP_FLOW_PENDING:
		flow.fd = fd;
		return settle(fd, config, identity, &flow, true);
	case TP_FLOW_DIALLING:
		return -EALREADY;
	default:
		return 1;
	}
}

static int disconnect(int fd, const struct sockaddr *address, socklen_t length)
{
	uint64_t pending = tp_tarpit_pending(fd);
	int result = tp_datagram_disconnect(tp_next.connect, fd, address, length);
	if (result < 0)
		return result;
	int saved = errno;
	if (tp_flow_any())
		tp_flow_forget(tp_socket_identity(fd));
	tp_tarpit_cancel(pending);
	errno = saved;
	return result;
}

/** Returns TP_ROUTE_PASS for the kernel's business, else what connect() ends with: 1 is success. */
static int connect_stream(int fd, const struct tp_config *config, const struct tp_socket *socket, const struct tp_address *wanted)
{
	/* What is ours stands on the board; where nobody can say, nothing goes out. */
	int result = config->dial_socket && !tp_board_is() ? tp_channel_open(config) : 0;
	if (result < 0 && result != -ENOTSUP)
		return result;
	result = tp_route_stream(config, wanted);
	if (result != TP_ROUTE_DIAL)
		return result;
	if (tp_tarpit_takes(socket, wanted)) {
		result = tp_tarpit_connect(config, fd, socket, wanted);
		say(config, wanted, result);
	} else {
		result = dial(fd, config, socket, wanted);
	}
	return result < 0 ? result : 1;
}

TP_HOOK int connect(int fd, const struct sockaddr *address, socklen_t length)
{
	const struct tp_config *config = tp_state();
	struct sockaddr_storage copy, instead;
	struct tp_address wanted;
	struct tp_socket socket;
	int result;

	/* What the kernel cannot read, or finds too long, it refuses itself, with the errno that is its own. */
	if (config->mode == TP_MODE_INERT || length < sizeof copy.ss_family || length > sizeof copy ||
	    !tp_memory_readable(address, length))
		return tp_next.connect(fd, address, length);
	memcpy(&copy, address, length);
	if (copy.ss_family == AF_UNSPEC)
		return disconnect(fd, address, length);
	if ((copy.ss_family != AF_INET && copy.ss_family != AF_INET6) || tp_address_read(&wanted, &copy, length) < 0)
		return tp_next.connect(fd, address, length);
	if (tp_flow_unsettled()) {
		result = resume(fd, config);
		if (result <= 0)
			return result < 0 ? tp_fail(result) : 0;
	}
	if (tp_route_is_local(config, &wanted) || tp_socket_read(&socket, fd) < 0)
		return tp_next.connect(fd, (struct sockaddr *)&copy, length);
	if (tp_socket_is_stream(&socket)) {
		/* Of another family: EAFNOSUPPORT or EINVAL. */
		result = socket.domain == copy.ss_family ? connect_stream(fd, config, &socket, &wanted) : TP_ROUTE_PASS;
		if (result != TP_ROUTE_PASS)
			return result < 0 ? tp_fail(result) : 0;
		return tp_next.connect(fd, (struct sockaddr *)&copy, length);
	}
	if (socket.domain == AF_UNIX) /* EINVAL: the bytes only look like an IP address */
		return tp_next.connect(fd, (struct sockaddr *)&copy, length);
	result = tp_datagram_connect(config, fd, &socket, &wanted, &instead, &length);
	if (result < 0)
		return tp_fail(result);
	return tp_next.connect(fd, (struct sockaddr *)(result > 0 ? &instead : &copy), length);
}
