/*
 * What stands behind the hooks until the next functions are found, and where they cannot be: the system calls themselves, or, for
 * what only a C library can do, a failure.
 */
#include "next.h"
#include "syscall.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <unistd.h>

/* Socket calls need no C library at all; these stand in when nothing can be looked up. */
static long to_errno(long result)
{
	if (result >= 0)
		return result;
	errno = (int)-result;
	return -1;
}

static int raw_connect(int fd, const struct sockaddr *address, socklen_t length)
{
	return (int)to_errno(tp_syscall3(SYS_connect, fd, address, length));
}

static int raw_bind(int fd, const struct sockaddr *address, socklen_t length)
{
	return (int)to_errno(tp_syscall3(SYS_bind, fd, address, length));
}

static int raw_listen(int fd, int backlog)
{
	return (int)to_errno(tp_syscall2(SYS_listen, fd, backlog));
}

static int raw_accept4(int fd, struct sockaddr *address, socklen_t *length, int flags)
{
	return (int)to_errno(tp_syscall4(SYS_accept4, fd, address, length, flags));
}

static int raw_accept(int fd, struct sockaddr *address, socklen_t *length)
{
	return raw_accept4(fd, address, length, 0);
}

static int raw_close(int fd)
{
	return (int)to_errno(tp_syscall1(SYS_close, fd));
}

static int raw_dup3(int from, int to, int flags)
{
	return (int)to_errno(tp_syscall3(SYS_dup3, from, to, flags));
}

static int raw_dup2(int from, int to)
{
	/* dup3() refuses what dup2() leaves as it is. */
	if (from == to)
		return tp_syscall3(SYS_fcntl, from, F_GETFD, 0) < 0 ? (int)to_errno(-EBADF) : to;
	return raw_dup3(from, to, 0);
}

/* glibc has it since 2.34, musl has not. */
static int raw_close_range(unsigned first, unsigned last, int flags)
{
	return (int)to_errno(tp_syscall3(SYS_close_range, first, last, flags));
}

/* Its handlers and the state of its threads are the C library's: without it no fork. */
static pid_t no_fork(void)
{
	return (pid_t)to_errno(-ENOSYS);
}

static int no_daemon(int keep_directory, int keep_streams)
{
	(void)keep_directory, (void)keep_streams;
	return no_fork();
}

static ssize_t raw_read(int fd, void *bytes, size_t size)
{
	return to_errno(tp_syscall3(SYS_read, fd, bytes, size));
}

static ssize_t raw_readv(int fd, const struct iovec *parts, int count)
{
	return to_errno(tp_syscall3(SYS_readv, fd, parts, count));
}

static ssize_t raw_write(int fd, const void *bytes, size_t size)
{
	return to_errno(tp_syscall3(SYS_write, fd, bytes, size));
}

static ssize_t raw_writev(int fd, const struct iovec *parts, int count)
{
	return to_errno(tp_syscall3(SYS_writev, fd, parts, count));
}

static int raw_getpeername(int fd, struct sockaddr *address, socklen_t *length)
{
	return (int)to_errno(tp_syscall3(SYS_getpeername, fd, address, length));
}

static int raw_getsockname(int fd, struct sockaddr *address, socklen_t *length)
{
	return (int)to_errno(tp_syscall3(SYS_getsockname, fd, address, length));
}

static int raw_getsockopt(int fd, int level, int name, void *value, socklen_t *length)
{
	return (int)to_errno(tp_syscall5(SYS_getsockopt, fd, level, name, value, length));
}

static ssize_t raw_sendto(int fd, const void *bytes, size_t size, int flags, const struct sockaddr *address,
			  socklen_t length)
{
	return to_errno(tp_syscall6(SYS_sendto, fd, (long)bytes, (long)size, flags, (long)address, (long)length));
}

static ssize_t raw_sendmsg(int fd, const struct msghdr *message, int flags)
{
	return to_errno(tp_syscall3(SYS_sendmsg, fd, message, flags));
}

static int raw_sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
	return (int)to_errno(tp_syscall4(SYS_sendmmsg, fd, messages, count, flags));
}

static ssize_t raw_recvfrom(int fd, void *bytes, size_t size, int flags, struct sockaddr *address, socklen_t *length)
{
	return to_errno(tp_syscall6(SYS_recvfrom, fd, (long)bytes, (long)size, flags, (long)address, (long)length));
}

static ssize_t raw_send(int fd, const void *bytes, size_t size, int flags)
{
	return raw_sendto(fd, bytes, size, flags, NULL, 0);
}

static ssize_t raw_recv(int fd, void *bytes, size_t size, int flags)
{
	return raw_recvfrom(fd, bytes, size, flags, NULL, NULL);
}

static ssize_t raw_recvmsg(int fd, struct msghdr *message, int flags)
{
	return to_errno(tp_syscall3(SYS_recvmsg, fd, message, flags));
}

static int raw_recvmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags, struct timespec *limit)
{
	return (int)to_errno(tp_syscall5(SYS_recvmmsg, fd, messages, count, flags, limit));
}

/* glibc's _FORTIFY_SOURCE: a size that is not the buffer's ends the program. */
static ssize_t raw_recvfrom_chk(int fd, void *bytes, size_t size, size_t room, int flags, struct sockaddr *address,
				socklen_t *length)
{
	if (size > room)
		__builtin_trap();
	return raw_recvfrom(fd, bytes, size, flags, address, length);
}

static ssize_t raw_read_chk(int fd, void *bytes, size_t size, size_t room)
{
	if (size > room)
		__builtin_trap();
	return raw_read(fd, bytes, size);
}

static ssize_t raw_recv_chk(int fd, void *bytes, size_t size, size_t room, int flags)
{
	return raw_recvfrom_chk(fd, bytes, size, room, flags, NULL, NULL);
}

long tp_syscall_raw(long number, long a, long b, long c, long d, long e, long f)
{
	return to_errno(tp_syscall6(number, a, b, c, d, e, f));
}

/* The host's resolver out of reach is no reason to crash, and none to leak. */
static int no_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result)
{
	(void)node, (void)service, (void)hints, (void)result;
	return EAI_FAIL;
}

static void no_freeaddrinfo(struct addrinfo *list)
{
	(void)list;
}

static int no_getnameinfo(const struct sockaddr *address, socklen_t length, char *host, socklen_t host_size, char *service,
			  socklen_t service_size, int flags)
{
	(void)address, (void)length, (void)host, (void)host_size, (void)service, (void)service_size, (void)flags;
	return EAI_FAIL;
}

static const char *no_gai_strerror(int status)
{
	(void)status;
	return "";
}

static struct hostent *no_gethostbyname(const char *name)
{
	(void)name;
	h_errno = NO_RECOVERY;
	return NULL;
}

static struct hostent *no_gethostbyname2(const char *name, int family)
{
	(void)family;
	return no_gethostbyname(name);
}

static struct hostent *no_gethostbyaddr(const void *address, socklen_t length, int family)
{
	(void)address, (void)length, (void)family;
	return no_gethostbyname(NULL);
}

static int no_gethostbyname2_r(const char *name, int family, struct hostent *entry, char *buffer, size_t size,
			       struct hostent **result, int *error)
{
	(void)name, (void)family, (void)entry, (void)buffer, (void)size;
	*result = NULL;
	*error = NO_RECOVERY;
	return ENOSYS;
}

static int no_gethostbyname_r(const char *name, struct hostent *entry, char *buffer, size_t size, struct hostent **result,
			      int *error)
{
	return no_gethostbyname2_r(name, AF_INET, entry, buffer, size, result, error);
}

static int no_gethostbyaddr_r(const void *address, socklen_t length, int family, struct hostent *entry, char *buffer,
			      size_t size, struct hostent **result, int *error)
{
	(void)address, (void)length;
	return no_gethostbyname2_r(NULL, family, entry, buffer, size, result, error);
}

static int raw_execveat(int directory, const char *path, char *const arguments[], char *const environment[], int flags)
{
	return (int)to_errno(tp_syscall5(SYS_execveat, directory, path, arguments, environment, flags));
}

static int raw_execve(const char *path, char *const arguments[], char *const environment[])
{
	return (int)to_errno(tp_syscall3(SYS_execve, path, arguments, environment));
}

static int raw_execv(const char *path, char *const arguments[])
{
	return raw_execve(path, arguments, environ);
}

static int raw_fexecve(int fd, char *const arguments[], char *const environment[])
{
	return raw_execveat(fd, "", arguments, environment, AT_EMPTY_PATH);
}

static int no_execvpe(const char *file, char *const arguments[], char *const environment[])
{
	(void)file, (void)arguments, (void)environment;
	return (int)to_errno(-ENOSYS);
}

static int no_execvp(const char *file, char *const arguments[])
{
	return no_execvpe(file, arguments, NULL);
}

static int no_posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
			  const posix_spawnattr_t *attributes, char *const arguments[], char *const environment[])
{
	(void)pid, (void)path, (void)actions, (void)attributes, (void)arguments, (void)environment;
	return ENOSYS;
}

static int no_system(const char *command)
{
	return command ? (int)to_errno(-ENOSYS) : 0;
}

static FILE *no_popen(const char *command, const char *mode)
{
	(void)command, (void)mode;
	errno = ENOSYS;
	return NULL;
}

static int no_stream(FILE *stream)
{
	(void)stream;
	return (int)to_errno(-ENOSYS);
}

static int no_unsetenv(const char *name)
{
	(void)name;
	return (int)to_errno(-ENOSYS);
}

static int no_setenv(const char *name, const char *value, int overwrite)
{
	(void)value, (void)overwrite;
	return no_unsetenv(name);
}

long (*tp_next_syscall)(long number, ...) = (long (*)(long, ...))tp_syscall_raw;

/* Whole from the start: the loader, or an allocator that the lookups below call, may use a hook before they are done. */
struct tp_next tp_next = {
	.connect = raw_connect,
	.bind = raw_bind,
	.listen = raw_listen,
	.accept = raw_accept,
	.accept4 = raw_accept4,
	.close = raw_close,
	.dup2 = raw_dup2,
	.dup3 = raw_dup3,
	.close_range = raw_close_range,
	.fork = no_fork,
	._Fork = no_fork,
	.daemon = no_daemon,
	.read = raw_read,
	.readv = raw_readv,
	.write = raw_write,
	.writev = raw_writev,
	.__read_chk = raw_read_chk,
	.getpeername = raw_getpeername,
	.getsockname = raw_getsockname,
	.getsockopt = raw_getsockopt,
	.sendto = raw_sendto,
	.sendmsg = raw_sendmsg,
	.sendmmsg = raw_sendmmsg,
	.send = raw_send,
	.recv = raw_recv,
	.recvfrom = raw_recvfrom,
	.recvmsg = raw_recvmsg,
	.recvmmsg = raw_recvmmsg,
	.__recv_chk = raw_recv_chk,
	.__recvfrom_chk = raw_recvfrom_chk,
	.getaddrinfo = no_getaddrinfo,
	.freeaddrinfo = no_freeaddrinfo,
	.getnameinfo = no_getnameinfo,
	.gai_strerror = no_gai_strerror,
	.gethostbyname = no_gethostbyname,
	.gethostbyname2 = no_gethostbyname2,
	.gethostbyaddr = no_gethostbyaddr,
	.gethostbyname_r = no_gethostbyname_r,
	.gethostbyname2_r = no_gethostbyname2_r,
	.gethostbyaddr_r = no_gethostbyaddr_r,
	.execve = raw_execve,
	.execv = raw_execv,
	.execvp = no_execvp,
	.execvpe = no_execvpe,
	.execveat = raw_execveat,
	.fexecve = raw_fexecve,
	.posix_spawn = no_posix_spawn,
	.posix_spawnp = no_posix_spawn,
	.system = no_system,
	.popen = no_popen,
	.fclose = no_stream,
	.fileno = no_stream,
	.setenv = no_setenv,
	.unsetenv = no_unsetenv,
};
