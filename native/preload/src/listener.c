#include "listener.h"

#include "confine.h"
#include "ip-text.h"
#include "syscall.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>

#ifndef SO_COOKIE
#define SO_COOKIE 57
#endif

static uint64_t cookie_of(int fd)
{
	uint64_t cookie = 0;
	socklen_t length = sizeof cookie;
	return tp_syscall5(SYS_getsockopt, fd, SOL_SOCKET, SO_COOKIE, &cookie, &length) < 0 ? 0 : cookie;
}

bool tp_listener_read(int fd, struct tp_listener *out)
{
	struct tp_socket socket;
	if (tp_socket_option(fd, SOL_SOCKET, SO_ACCEPTCONN) != 1 || tp_socket_read(&socket, fd) < 0 ||
	    !tp_socket_is_stream(&socket) || tp_socket_name(fd, false, &out->address) < 0)
		return false;
	out->cookie = cookie_of(fd);
	out->both = out->address.family == AF_INET6 && tp_socket_option(fd, IPPROTO_IPV6, IPV6_V6ONLY) == 0;
	return true;
}

static bool is_unspecified(const struct tp_address *address)
{
	static const uint8_t nothing[16];
	return memcmp(address->bytes, nothing, address->family == AF_INET ? 4 : 16) == 0;
}

bool tp_listener_is_private(const struct tp_address *address)
{
	return tp_address_is_loopback(address) && !is_unspecified(address);
}

bool tp_listener_is_exported(const struct tp_config *config, const struct tp_listener *listener)
{
	return config->export_loopback || !tp_listener_is_private(&listener->address) ||
	       tp_confine_has_rewritten(listener->cookie);
}

struct entry { /* struct linux_dirent64 */
	uint64_t inode;
	int64_t offset;
	uint16_t length;
	uint8_t type;
	char name[];
};

void tp_listener_scan(const struct tp_config *config, void (*each)(int, const struct tp_listener *, void *), void *argument)
{
	_Alignas(uint64_t) char entries[2048];
	struct tp_listener listener;
	int directory = (int)tp_syscall4(SYS_openat, AT_FDCWD, "/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	long size;
	if (directory < 0)
		return;
	while ((size = tp_syscall3(SYS_getdents64, directory, entries, sizeof entries)) > 0) {
		for (long at = 0; at < size;) {
			const struct entry *entry = (const struct entry *)(const void *)(entries + at);
			at += entry->length;
			long fd = tp_decimal_parse(entry->name, strlen(entry->name), 1 << 30);
			if (fd >= 0 && tp_listener_read((int)fd, &listener) && tp_listener_is_exported(config, &listener))
				each((int)fd, &listener, argument);
		}
	}
	tp_syscall1(SYS_close, directory);
}
