#include "socket.h"

#include "syscall.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <sys/time.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif
#ifndef SO_COOKIE
#define SO_COOKIE 57
#endif

int tp_socket_option(int fd, int level, int name)
{
	int value = 0;
	socklen_t length = sizeof value;
	long result = tp_syscall5(SYS_getsockopt, fd, level, name, &value, &length);
	return result < 0 ? (int)result : value;
}

int tp_socket_set_option(int fd, int level, int name, int value)
{
	return (int)tp_syscall5(SYS_setsockopt, fd, level, name, &value, sizeof value);
}

int tp_socket_read(struct tp_socket *socket, int fd)
{
	socket->type = tp_socket_option(fd, SOL_SOCKET, SO_TYPE);
	if (socket->type < 0)
		return socket->type;
	socket->domain = tp_socket_option(fd, SOL_SOCKET, SO_DOMAIN);
	socket->protocol = tp_socket_option(fd, SOL_SOCKET, SO_PROTOCOL);
	return 0;
}

bool tp_socket_is_stream(const struct tp_socket *socket)
{
	return socket->type == SOCK_STREAM && (socket->domain == AF_INET || socket->domain == AF_INET6) &&
	       (socket->protocol == IPPROTO_TCP || socket->protocol == IPPROTO_MPTCP);
}

int64_t tp_socket_timeout(int fd, int name)
{
	struct timeval value = { 0, 0 };
	socklen_t length = sizeof value;
	if (tp_syscall5(SYS_getsockopt, fd, SOL_SOCKET, name, &value, &length) < 0)
		return 0;
	return (int64_t)value.tv_sec * 1000000000 + (int64_t)value.tv_usec * 1000;
}

bool tp_socket_on_device(int fd)
{
	char name[16] = { 0 }; /* IFNAMSIZ */
	socklen_t length = sizeof name;
	if (tp_syscall5(SYS_getsockopt, fd, SOL_SOCKET, SO_BINDTODEVICE, name, &length) < 0 || length == 0)
		return false;
	return !(name[0] == 'l' && name[1] == 'o' && name[2] == '\0');
}

uint64_t tp_socket_identity(int fd)
{
	uint64_t cookie = 0;
	socklen_t length = sizeof cookie;
	struct stat status;
	if (tp_syscall5(SYS_getsockopt, fd, SOL_SOCKET, SO_COOKIE, &cookie, &length) == 0 && cookie != 0)
		return cookie;
	/* Kernels without SO_COOKIE: the inode is as unique while the socket lasts. The top bit keeps the two apart. */
	if (tp_syscall2(SYS_fstat, fd, &status) < 0 || !S_ISSOCK(status.st_mode))
		return 0;
	return (uint64_t)status.st_ino | (uint64_t)1 << 63;
}

int tp_socket_name(int fd, bool of_peer, struct tp_address *out)
{
	struct sockaddr_storage name;
	socklen_t length = sizeof name;
	long result = tp_syscall3(of_peer ? SYS_getpeername : SYS_getsockname, fd, &name, &length);
	return result < 0 ? (int)result : tp_address_read(out, &name, length);
}
