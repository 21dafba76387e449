#include "bootstrap.h"

#include "socket.h"
#include "state.h"
#include "syscall.h"
#include "wait.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/time.h>
#include <sys/un.h>

/** How long a connect() waits for room in the queue of the sidecar's listener. */
#define CONNECT_LIMIT_S 5
#define LOWEST 10

static _Atomic tp_own bootstrap;
/** Calls of tp_bootstrap_offer_child() under way. */
static _Atomic int offers;

static void set_cloexec(tp_own own, bool on)
{
	if (tp_own_is(own))
		tp_syscall3(SYS_fcntl, tp_own_number(own), F_SETFD, on ? FD_CLOEXEC : 0);
}

static tp_own connect_to_path(const struct tp_config *config)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct timeval limit = { CONNECT_LIMIT_S, 0 };
	int64_t deadline = tp_wait_now() + CONNECT_LIMIT_S * 1000000000LL;
	int fd = (int)tp_syscall3(SYS_socket, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	long result;
	if (fd < 0)
		return 0;
	memcpy(address.sun_path, config->socket_path, strlen(config->socket_path) + 1);
	tp_syscall5(SYS_setsockopt, fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
	do
		result = tp_syscall3(SYS_connect, fd, &address, sizeof address);
	while (result == -EINTR && tp_wait_now() < deadline);
	if (result == 0)
		return tp_own_place(fd);
	tp_syscall1(SYS_close, fd);
	return 0;
}

/** Whether `fd` is connected to the dial socket, as a bootstrap is: the number alone proves nothing. */
static bool leads_to(const struct tp_config *config, int fd)
{
	struct sockaddr_un peer = { 0 };
	socklen_t length = sizeof peer;
	return tp_socket_option(fd, SOL_SOCKET, SO_DOMAIN) == AF_UNIX &&
	       tp_socket_option(fd, SOL_SOCKET, SO_TYPE) == SOCK_SEQPACKET &&
	       tp_syscall3(SYS_getpeername, fd, &peer, &length) == 0 &&
	       strncmp(peer.sun_path, config->socket_path, sizeof peer.sun_path) == 0;
}

/** Threads that found none make one each; the first stays. */
static tp_own adopt(tp_own found, tp_own own)
{
	if (own == 0)
		return 0;
	if (!atomic_compare_exchange_strong(&bootstrap, &found, own)) {
		tp_own_close(own);
		return found;
	}
	tp_own_close(found);
	tp_state_keep_bootstrap(tp_own_number(own));
	return own;
}

static tp_own ensure(const struct tp_config *config)
{
	tp_own own = atomic_load(&bootstrap);
	return tp_own_is(own) ? own : adopt(own, connect_to_path(config));
}

bool tp_bootstrap_init(const struct tp_config *config)
{
	tp_own own = 0;
	bool inherited;
	if (config->bootstrap >= 0 && leads_to(config, config->bootstrap)) {
		own = tp_own_read(config->bootstrap);
		if (tp_own_number(own) < LOWEST)
			own = tp_own_place(config->bootstrap);
		set_cloexec(own, true);
	}
	inherited = own != 0;
	if (!inherited)
		own = connect_to_path(config);
	return adopt(0, own) != 0 && !inherited;
}

int tp_bootstrap_send(const struct tp_config *config, const void *hello, size_t size, int channel)
{
	for (int attempt = 0; attempt < 2; attempt++) {
		tp_own own = ensure(config);
		if (own == 0)
			return -ENETDOWN;
		int result = tp_own_send(own, hello, size, &channel, channel >= 0);
		if (result == 0)
			return 0;
		if (result != -EPIPE)
			return -ENETDOWN;
		if (atomic_compare_exchange_strong(&bootstrap, &own, 0))
			tp_own_close(own);
	}
	return -ENETDOWN;
}

tp_own tp_bootstrap_own(void)
{
	return atomic_load_explicit(&bootstrap, memory_order_relaxed);
}

void tp_bootstrap_move(void)
{
	tp_own own = atomic_load(&bootstrap);
	tp_own copy = tp_own_copy(own);
	if (copy == 0 || !atomic_compare_exchange_strong(&bootstrap, &own, copy))
		tp_own_close(copy);
	else
		tp_state_keep_bootstrap(tp_own_number(copy));
}

void tp_bootstrap_offer(void)
{
	set_cloexec(atomic_load(&bootstrap), false);
}

void tp_bootstrap_withdraw(void)
{
	if (atomic_load(&offers) == 0)
		set_cloexec(atomic_load(&bootstrap), true);
}

/* Not for what executes itself: the child of a vfork() would leave its count with the parent. */
void tp_bootstrap_offer_child(void)
{
	atomic_fetch_add(&offers, 1);
	tp_bootstrap_offer();
}

void tp_bootstrap_withdraw_child(void)
{
	if (atomic_fetch_sub(&offers, 1) != 1)
		return;
	tp_bootstrap_withdraw();
	/* Another thread may have begun in between. */
	if (atomic_load(&offers) != 0)
		tp_bootstrap_offer();
}
