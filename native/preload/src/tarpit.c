#include "tarpit.h"

#include "board.h"
#include "channel.h"
#include "failure.h"
#include "stand-in.h"
#include "state.h"
#include "steady-connect.h"
#include "syscall.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdatomic.h>
#include <string.h>

#ifndef TCP_FASTOPEN_CONNECT
#define TCP_FASTOPEN_CONNECT 30
#endif

/** How often a dial is asked for when sidecars die in between. */
#define ATTEMPTS 3

/** Whether this process has dialled: while it has not, close() has nothing to look for. */
static _Atomic bool dialled;

bool tp_tarpit_takes(const struct tp_socket *socket, const struct tp_address *address)
{
	struct tp_address tarpit;
	/* A stand-in stands for a name, which DIAL has no room for. */
	return socket->protocol == IPPROTO_TCP && !tp_stand_in_is(address) && tp_board_tarpit(address->family, &tarpit);
}

/** TCP_CLOSE, TCP_SYN_SENT, …; -1 when it is no TCP socket. */
static int state_of(int fd)
{
	uint8_t state = 0;
	socklen_t length = sizeof state; /* the first byte of struct tcp_info */
	return tp_syscall5(SYS_getsockopt, fd, IPPROTO_TCP, TCP_INFO, &state, &length) < 0 || length == 0 ? -1 : state;
}

static int send_dial(const struct tp_config *config, int fd, const struct tp_address *address)
{
	uint8_t message[TP_HEADER_SIZE + TP_WIRE_ADDRESS_SIZE];
	tp_message_head(message, TP_DIAL, sizeof message);
	tp_message_address(message + TP_HEADER_SIZE, address);
	return tp_channel_send(config, message, sizeof message, &fd, 1);
}

/** What the kernel does itself when a connect() tells of a failure: the next one begins anew, and is not ECONNABORTED. */
static void unconnect(int fd)
{
	struct sockaddr none = { .sa_family = AF_UNSPEC };
	if (state_of(fd) == TCP_CLOSE)
		tp_syscall3(SYS_connect, fd, &none, sizeof none);
}

/** The kernel's own answer, in terms of the destination. */
static int translate(int result, int fd)
{
	if (result == -ECONNREFUSED)
		return -ENETDOWN; /* a tarpit refuses nobody: the sidecar is gone */
	/* EPIPE: another thread, waiting for the same socket, was told of its end. */
	if (result != -ECONNRESET && result != -EPIPE)
		return result;
	int failure = tp_failure_of(fd, ECONNRESET);
	unconnect(fd);
	return failure > 0 ? -failure : result == -EPIPE ? -ECONNABORTED : result;
}

/** A failure that nobody was told of yet. Reading SO_ERROR takes it back, so that it is told once. */
static int untold_failure(int fd, uint64_t cookie)
{
	int failure = tp_board_failure(cookie);
	if (failure <= 0 || tp_socket_option(fd, SOL_SOCKET, SO_ERROR) <= 0)
		return 0;
	unconnect(fd);
	return -failure;
}

static int refuse(int fd, const struct tp_socket *socket, const struct tp_address *address)
{
	/* Its routes lead out by that device, and so would those to the tarpit. */
	if (tp_socket_on_device(fd))
		return -ENETUNREACH;
	/* As the kernel answers. */
	if (socket->domain == AF_INET6 && address->mapped && tp_socket_option(fd, IPPROTO_IPV6, IPV6_V6ONLY) == 1)
		return -ENETUNREACH;
	return 0;
}

/** Asks for a dial, and gives the tarpit of the very sidecar that was asked: a new one may have come in its place meanwhile. */
static int begin(const struct tp_config *config, int fd, const struct tp_address *address, struct tp_address *tarpit)
{
	for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
		struct tp_address before;
		if (!tp_board_tarpit(address->family, &before))
			break;
		int result = send_dial(config, fd, address);
		if (result < 0)
			return result;
		if (tp_board_tarpit(address->family, tarpit) && tp_address_same(&before, tarpit))
			return 0;
	}
	return -ENETDOWN;
}

int tp_tarpit_connect(const struct tp_config *config, int fd, const struct tp_socket *socket, const struct tp_address *address)
{
	struct sockaddr_storage there;
	struct tp_address tarpit;
	uint64_t cookie = tp_socket_identity(fd);
	if (!tp_board_tarpit(address->family, &tarpit))
		return -ENETDOWN;
	socklen_t length = tp_address_write(&tarpit, socket->domain, &there);
	/* Under way, connected or listening: EALREADY, EISCONN, the wait for the end and the 0 after it are the kernel's own. */
	if (state_of(fd) != TCP_CLOSE)
		return translate(tp_steady_connect(fd, &there, length), fd);
	int result = refuse(fd, socket, address);
	if (result == 0)
		result = untold_failure(fd, cookie);
	if (result < 0)
		return result;
	/* Fast Open would put the connect() off to the first write; the kernel too may always do without it. */
	if (tp_socket_option(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT) == 1)
		tp_socket_set_option(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 0);
	atomic_store_explicit(&dialled, true, memory_order_relaxed);
	/* Before the connect(): the sidecar dials meanwhile. */
	result = begin(config, fd, address, &tarpit);
	if (result < 0)
		return result;
	length = tp_address_write(&tarpit, socket->domain, &there);
	result = tp_steady_connect(fd, &there, length);
	if (result < 0 && result != -EINPROGRESS && result != -EINTR && result != -ECONNRESET)
		tp_tarpit_cancel(cookie);
	return translate(result, fd);
}

uint64_t tp_tarpit_pending(int fd)
{
	if (!atomic_load_explicit(&dialled, memory_order_relaxed) || state_of(fd) != TCP_SYN_SENT)
		return 0;
	return tp_socket_identity(fd);
}

static void send_cancel(uint64_t cookie)
{
	uint8_t message[TP_HEADER_SIZE + sizeof cookie];
	if (!tp_board_is())
		return; /* the next sidecar knows nothing of it */
	tp_message_head(message, TP_CANCEL, sizeof message);
	memcpy(message + TP_HEADER_SIZE, &cookie, sizeof cookie);
	/* A hint: if it does not arrive, the dial comes to its end without it. */
	tp_channel_send(tp_state(), message, sizeof message, NULL, 0);
}

void tp_tarpit_cancel(uint64_t cookie)
{
	if (cookie != 0)
		send_cancel(cookie);
}

void tp_tarpit_cancel_all(void)
{
	if (atomic_load_explicit(&dialled, memory_order_relaxed))
		send_cancel(0);
}
