#include "dial.h"

#include "socks5-request.h"
#include "stand-in.h"
#include "syscall.h"
#include "wait.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>

/** How this call may wait; found out anew for each, since the program may have changed the socket in between. */
struct patience {
	int64_t deadline;
	bool nonblocking;
	bool limited;	  /* SO_SNDTIMEO: the end of the wait is EINPROGRESS and signals are always seen, as in connect(2) */
	bool kernel_waits; /* recv() may block: the kernel then restarts, or shows EINTR, exactly as for connect() */
};

/** A dial that other rules than the destination's have ended: the socket was not ours to undo. */
#define STAGE_LEFT_ALONE 0xff

static void learn_patience(struct patience *patience, int fd, const struct tp_flow *flow, bool insist)
{
	int64_t send_timeout = insist ? 0 : tp_socket_timeout(fd, SO_SNDTIMEO);
	long flags = tp_syscall3(SYS_fcntl, fd, F_GETFL, 0);
	patience->nonblocking = insist || (flags >= 0 && (flags & O_NONBLOCK));
	patience->limited = !patience->nonblocking && send_timeout > 0;
	patience->kernel_waits = !patience->nonblocking && send_timeout == 0 && tp_socket_timeout(fd, SO_RCVTIMEO) == 0;
	patience->deadline = tp_wait_now() + (patience->limited ? send_timeout : TP_DIAL_LIMIT_NS);
	if (patience->nonblocking && !insist && flow->stage != TP_STAGE_CONNECT) {
		/* A dial that was left unfinished: a non-blocking connect() only looks how far it is. */
		patience->limited = true;
		patience->deadline = 0;
	}
}

/** Waits once. Returns 0 to try again, or what the dial ends with. */
static int await(int fd, short events, const struct patience *patience)
{
	int result = tp_wait(fd, events, patience->deadline);
	if (result == -ETIMEDOUT)
		return patience->limited ? -EINPROGRESS : -ETIMEDOUT;
	if (result == -EINTR && (patience->nonblocking || (!patience->limited && !tp_wait_signal_shows())))
		return 0;
	return result;
}

/** What became of the proxy must not look like what became of the destination. */
static int proxy_error(int error)
{
	switch (error) {
	case -ECONNREFUSED:
	case -ECONNRESET:
	case -ECONNABORTED:
	case -EPIPE:
	case -EHOSTUNREACH:
	case -ENETUNREACH:
	case -ETIMEDOUT:
	case -EPROTO:
		return -ENETDOWN;
	default:
		return error;
	}
}

static int connect_stage(int fd, const struct tp_config *config, struct tp_flow *flow, const struct patience *patience)
{
	struct sockaddr_storage proxy;
	struct tp_address peer;
	int domain = tp_socket_option(fd, SOL_SOCKET, SO_DOMAIN);
	socklen_t length = tp_address_write(&config->proxy, domain, &proxy);
	if (length == 0)
		return -ENETUNREACH; /* an AF_INET socket, and the proxy is at ::1 */
	bool begun = flow->stage == TP_STAGE_CONNECTING;
	int result = (int)tp_syscall3(SYS_connect, fd, &proxy, length);
	if (!begun && (result == -EISCONN || result == -EALREADY)) {
		flow->stage = STAGE_LEFT_ALONE;
		return result;
	}
	if (result == -EINTR || result == -EINPROGRESS || result == -EALREADY) {
		flow->stage = TP_STAGE_CONNECTING;
		if (result == -EINTR && !patience->nonblocking)
			return -EINTR;
		if (patience->limited && !patience->nonblocking)
			return -EINPROGRESS; /* SO_SNDTIMEO has passed in the kernel already */
		while (tp_socket_name(fd, true, &peer) < 0) {
			result = await(fd, POLLOUT, patience);
			if (result == 0)
				result = tp_socket_option(fd, SOL_SOCKET, SO_ERROR);
			if (result != 0)
				return result == -EINPROGRESS ? result : proxy_error(result > 0 ? -result : result);
		}
	} else if (result < 0 && result != -EISCONN) {
		/* ENETUNREACH here is of an IPv6 socket bound to an IPv6 address: the kernel's, not the proxy's. */
		return result == -ENETUNREACH ? result : proxy_error(result);
	}
	/* A blocking connect() also ends when one that the program began earlier, elsewhere, ends. */
	if (tp_socket_name(fd, true, &peer) < 0)
		return -ENETDOWN;
	if (!tp_address_same(&peer, &config->proxy)) {
		flow->stage = STAGE_LEFT_ALONE;
		return -EISCONN;
	}
	flow->stage = TP_STAGE_SEND;
	return 0;
}

static int send_stage(int fd, const struct tp_config *config, struct tp_flow *flow, const struct patience *patience)
{
	uint8_t bytes[TP_SOCKS5_REQUEST_MAX];
	struct tp_socks5_request request = {
		.command = TP_SOCKS5_CONNECT,
		.name = tp_stand_in_name(&flow->asked),
		.address = &flow->asked,
		.port = flow->asked.port,
	};
	size_t length = tp_socks5_encode(bytes, config, &request);
	while (flow->sent < length) {
		long result = tp_syscall6(SYS_sendto, fd, (long)(bytes + flow->sent), (long)(length - flow->sent),
					  MSG_NOSIGNAL | MSG_DONTWAIT, 0, 0);
		if (result >= 0) {
			flow->sent = (uint16_t)(flow->sent + result);
			continue;
		}
		if (result != -EAGAIN)
			return proxy_error((int)result);
		int waited = await(fd, POLLOUT, patience);
		if (waited < 0)
			return waited;
	}
	flow->stage = TP_STAGE_READ;
	return 0;
}

static int read_error(int error, const struct tp_flow *flow)
{
	if (error == -EREMOTEIO)
		return -tp_socks5_errno(flow->reader.reply);
	return error == -EACCES ? error : -ENETDOWN;
}

static int read_stage(int fd, struct tp_flow *flow, const struct patience *patience)
{
	/* The longest read is of a BND.ADDR that is a domain; asking for less would be more calls, never wrong. */
	uint8_t bytes[64];
	for (;;) {
		size_t wanted = tp_socks5_wants(&flow->reader);
		if (wanted > sizeof bytes)
			wanted = sizeof bytes;
		if (!patience->kernel_waits) {
			int waited = await(fd, POLLIN, patience);
			if (waited < 0)
				return waited;
		}
		long result = tp_syscall6(SYS_recvfrom, fd, (long)bytes, (long)wanted,
					  patience->kernel_waits ? 0 : MSG_DONTWAIT, 0, 0);
		if (result == -EAGAIN || (result == -EINTR && patience->nonblocking))
			continue;
		if (result == -EINTR)
			return -EINTR;
		if (result <= 0)
			return result == 0 ? -ENETDOWN : proxy_error((int)result);
		int state = tp_socks5_feed(&flow->reader, bytes, (size_t)result, NULL);
		if (state != 0)
			return state > 0 ? 0 : read_error(state, flow);
	}
}

static int run(int fd, const struct tp_config *config, struct tp_flow *flow, const struct patience *patience)
{
	int result = 0;
	if (flow->stage == TP_STAGE_CONNECT || flow->stage == TP_STAGE_CONNECTING)
		result = connect_stage(fd, config, flow, patience);
	if (result == 0 && flow->stage == TP_STAGE_SEND)
		result = send_stage(fd, config, flow, patience);
	if (result == 0 && flow->stage == TP_STAGE_READ)
		result = read_stage(fd, flow, patience);
	return result;
}

int tp_dial(int fd, const struct tp_config *config, struct tp_flow *flow, bool insist)
{
	struct patience patience;
	learn_patience(&patience, fd, flow, insist);
	/* With SO_RCVLOWAT the kernel would not report the few bytes of a reply. */
	int low_water = tp_socket_option(fd, SOL_SOCKET, SO_RCVLOWAT);
	if (low_water > 1)
		tp_socket_set_option(fd, SOL_SOCKET, SO_RCVLOWAT, 1);
	int result = run(fd, config, flow, &patience);
	if (low_water > 1)
		tp_socket_set_option(fd, SOL_SOCKET, SO_RCVLOWAT, low_water);
	return result;
}

bool tp_dial_left_alone(const struct tp_flow *flow)
{
	return flow->stage == STAGE_LEFT_ALONE;
}

void tp_dial_undo(int fd, const struct tp_flow *flow)
{
	struct sockaddr none = { .sa_family = AF_UNSPEC };
	tp_syscall3(SYS_connect, fd, &none, sizeof none);
	/* Unconnecting leaves ECONNRESET behind, which poll() would report for the next attempt. */
	tp_socket_option(fd, SOL_SOCKET, SO_ERROR);
	if (flow->v6only)
		tp_socket_set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
}
