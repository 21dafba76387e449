#include "confine.h"

#include "listener.h"
#include "socket.h"
#include "syscall.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

static const struct tp_address loopback4 = { .family = AF_INET, .bytes = { 127, 0, 0, 1 } };
static const struct tp_address loopback6 = { .family = AF_INET6, .bytes = { [15] = 1 } };

/** Few, and of old kernels only; of one that is forgotten nobody is told. */
#define REMEMBERED 64
static _Atomic uint64_t rewritten[REMEMBERED];
static _Atomic unsigned last;

void tp_confine_remember(uint64_t identity)
{
	atomic_store(&rewritten[atomic_fetch_add(&last, 1) % REMEMBERED], identity);
}

bool tp_confine_has_rewritten(uint64_t identity)
{
	for (size_t i = 0; i < REMEMBERED; i++)
		if (atomic_load_explicit(&rewritten[i], memory_order_relaxed) == identity)
			return identity != 0;
	return false;
}

static int bind_to_device(int fd)
{
	static const char name[] = "lo";
	return (int)tp_syscall5(SYS_setsockopt, fd, SOL_SOCKET, SO_BINDTODEVICE, name, sizeof name);
}

bool tp_confine_by_device(void)
{
	static _Atomic int known; /* 1: yes, -1: no */
	int answer = atomic_load_explicit(&known, memory_order_relaxed);
	if (answer == 0) {
		int fd = (int)tp_syscall3(SYS_socket, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd < 0)
			return true; /* nothing can be bound either */
		answer = bind_to_device(fd) == 0 ? 1 : -1;
		tp_syscall1(SYS_close, fd);
		atomic_store_explicit(&known, answer, memory_order_relaxed);
	}
	return answer > 0;
}

static int bind_to_loopback(int fd)
{
	struct sockaddr_storage name;
	int domain = tp_socket_option(fd, SOL_SOCKET, SO_DOMAIN);
	socklen_t length = tp_address_write(domain == AF_INET6 ? &loopback6 : &loopback4, domain, &name);
	return (int)tp_syscall3(SYS_bind, fd, &name, length);
}

int tp_confine_listener(int fd)
{
	struct tp_address local;
	if (tp_socket_name(fd, false, &local) < 0 || tp_listener_is_private(&local) || bind_to_device(fd) == 0)
		return 0;
	/* It is bound to a device already, which only root may change. */
	if (tp_confine_by_device())
		return tp_socket_on_device(fd) ? -EACCES : 0;
	/* bind() has seen to the others. */
	if (local.port != 0 || bind_to_loopback(fd) < 0)
		return -EACCES;
	tp_confine_remember(tp_socket_identity(fd));
	return 0;
}

bool tp_confine_address(const struct tp_address *asked, struct tp_address *out)
{
	if (tp_listener_is_private(asked))
		return false;
	/* A socket that connects out from an address of the host's names that address and no port. */
	if (asked->port == 0 && !tp_address_is_loopback(asked))
		return false;
	*out = asked->family == AF_INET6 ? loopback6 : loopback4;
	out->port = asked->port;
	out->mapped = asked->mapped;
	return true;
}
