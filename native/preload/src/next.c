#include "next.h"

#include <dlfcn.h>
#include <link.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Weak: glibc before 2.34 keeps dlsym() in libdl, which the program may not have. The two others are glibc's own, from
 * before that, and get it. */
extern void *dlsym(void *restrict handle, const char *restrict name) __attribute__((weak));
extern void *__libc_dlopen_mode(const char *name, int mode) __attribute__((weak));
extern void *__libc_dlsym(void *handle, const char *name) __attribute__((weak));

/** glibc's flag for callers that are not the program. */
#define GLIBC_RTLD_DLOPEN ((int)0x80000000)

typedef void *lookup_function(void *restrict, const char *restrict);
typedef int iterate_function(int (*)(struct dl_phdr_info *, size_t, void *), void *);

static iterate_function *iterate;
static lookup_function *lookup_at_call;

static lookup_function *find_dlsym(void)
{
	if (dlsym || !__libc_dlopen_mode || !__libc_dlsym)
		return dlsym;
	void *library = __libc_dlopen_mode("libdl.so.2", RTLD_NOW | GLIBC_RTLD_DLOPEN);
	return library ? (lookup_function *)__libc_dlsym(library, "dlsym") : NULL;
}

void *tp_next_find(const char *name)
{
	return lookup_at_call ? lookup_at_call(RTLD_NEXT, name) : NULL;
}

#define NAMED(function) { #function, offsetof(struct tp_next, function) }

struct named {
	char name[18];
	uint16_t at;
};

static const struct named everywhere[] = {
	NAMED(connect),
	NAMED(bind),
	NAMED(listen),
	NAMED(accept),
	NAMED(accept4),
	NAMED(close),
	NAMED(dup2),
	NAMED(dup3),
	NAMED(fork),
	NAMED(daemon),
	NAMED(read),
	NAMED(readv),
	NAMED(write),
	NAMED(writev),
	NAMED(getpeername),
	NAMED(getsockname),
	NAMED(getsockopt),
	NAMED(sendto),
	NAMED(sendmsg),
	NAMED(sendmmsg),
	NAMED(send),
	NAMED(recv),
	NAMED(recvfrom),
	NAMED(recvmsg),
	NAMED(recvmmsg),
	NAMED(getaddrinfo),
	NAMED(freeaddrinfo),
	NAMED(getnameinfo),
	NAMED(gai_strerror),
	NAMED(gethostbyname),
	NAMED(gethostbyname2),
	NAMED(gethostbyaddr),
	NAMED(gethostbyname_r),
	NAMED(gethostbyname2_r),
	NAMED(gethostbyaddr_r),
	NAMED(execve),
	NAMED(execv),
	NAMED(execvp),
	NAMED(execvpe),
	NAMED(fexecve),
	NAMED(posix_spawn),
	NAMED(posix_spawnp),
	NAMED(system),
	NAMED(popen),
	NAMED(fclose),
	NAMED(fileno),
	NAMED(setenv),
	NAMED(unsetenv),
};

/** What some C libraries, or older ones, have not. */
static const struct named in_some[] = {
	NAMED(_Fork),
	NAMED(__read_chk),
	NAMED(__recv_chk),
	NAMED(__recvfrom_chk),
	NAMED(close_range),
	NAMED(execveat),
};

static void find_all(lookup_function *lookup, const struct named *names, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		void *found = lookup(RTLD_NEXT, names[i].name);
		if (found)
			memcpy((char *)&tp_next + names[i].at, &found, sizeof found);
	}
}

void tp_next_init(void)
{
	lookup_function *lookup = find_dlsym();
	if (!lookup)
		return;
	find_all(lookup, everywhere, sizeof everywhere / sizeof everywhere[0]);
	void *syscall_found = lookup(RTLD_NEXT, "syscall");
	if (syscall_found)
		tp_next_syscall = (__typeof__(tp_next_syscall))syscall_found;
	iterate = (iterate_function *)lookup(RTLD_NEXT, "dl_iterate_phdr");
	lookup_at_call = lookup;
}

void tp_next_complete(void)
{
	if (lookup_at_call)
		find_all(lookup_at_call, in_some, sizeof in_some / sizeof in_some[0]);
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
