#include "next.h"

#include "syscall.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stddef.h>
#include <unistd.h>

/* Weak: glibc before 2.34 keeps dlsym() in libdl, which the program may not have. The two others are glibc's own, from
 * before that, and get it. */
extern void *dlsym(void *restrict handle, const char *restrict name) __attribute__((weak));
extern void *__libc_dlopen_mode(const char *name, int mode) __attribute__((weak));
extern void *__libc_dlsym(void *handle, const char *name) __attribute__((weak));

/** glibc's flag for callers that are not the program. */
#define GLIBC_RTLD_DLOPEN ((int)0x80000000)

typedef void *lookup_function(void *restrict, const char *restrict);
typedef int iterate_function(int (*)(struct dl_phdr_info *, size_t, void *), void *);

struct tp_next tp_next;
static iterate_function *iterate;

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

static lookup_function *find_dlsym(void)
{
	if (dlsym || !__libc_dlopen_mode || !__libc_dlsym)
		return dlsym;
	void *library = __libc_dlopen_mode("libdl.so.2", RTLD_NOW | GLIBC_RTLD_DLOPEN);
	return library ? (lookup_function *)__libc_dlsym(library, "dlsym") : NULL;
}

#define FIND(name, otherwise)                                                                  \
	do {                                                                                   \
		void *found = lookup ? lookup(RTLD_NEXT, #name) : NULL;                        \
		tp_next.name = found ? (__typeof__(tp_next.name))found : (otherwise);          \
	} while (0)

void tp_next_init(void)
{
	lookup_function *lookup = find_dlsym();
	FIND(connect, raw_connect);
	FIND(getpeername, raw_getpeername);
	FIND(getsockname, raw_getsockname);
	FIND(getsockopt, raw_getsockopt);
	FIND(sendto, raw_sendto);
	FIND(sendmsg, raw_sendmsg);
	FIND(sendmmsg, raw_sendmmsg);
	FIND(getaddrinfo, no_getaddrinfo);
	FIND(freeaddrinfo, no_freeaddrinfo);
	FIND(getnameinfo, no_getnameinfo);
	FIND(gethostbyname, no_gethostbyname);
	FIND(gethostbyname2, no_gethostbyname2);
	FIND(gethostbyaddr, no_gethostbyaddr);
	FIND(gethostbyname_r, no_gethostbyname_r);
	FIND(gethostbyname2_r, no_gethostbyname2_r);
	FIND(gethostbyaddr_r, no_gethostbyaddr_r);
	FIND(execve, raw_execve);
	FIND(execv, raw_execv);
	FIND(execvp, no_execvp);
	FIND(execvpe, no_execvpe);
	FIND(execveat, raw_execveat);
	FIND(fexecve, raw_fexecve);
	FIND(posix_spawn, no_posix_spawn);
	FIND(posix_spawnp, no_posix_spawn);
	FIND(system, no_system);
	FIND(popen, no_popen);
	FIND(setenv, no_setenv);
	FIND(unsetenv, no_unsetenv);
	iterate = lookup ? (iterate_function *)lookup(RTLD_NEXT, "dl_iterate_phdr") : NULL;
}

static int is_own(struct dl_phdr_info *info, size_t size, void *path)
{
	ElfW(Addr) here = (ElfW(Addr))&tp_next;
	(void)size;
	for (size_t i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *header = &info->dlpi_phdr[i];
		if (header->p_type != PT_LOAD || here - info->dlpi_addr - header->p_vaddr >= header->p_memsz)
			continue;
		if (info->dlpi_name)
			*(const char **)path = info->dlpi_name;
		return 1;
	}
	return 0;
}

const char *tp_next_own_path(void)
{
	const char *path = "libtailproxy.so";
	if (iterate)
		iterate(is_own, &path);
	return path;
}
