/* A dlsym() that uses sockets and descriptors itself, as one may that allocates. */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>
#include <unistd.h>

void *dlvsym(void *handle, const char *name, const char *version);
void *dlsym(void *restrict handle, const char *restrict name);

static void check(int result, int error)
{
	if (result != -1 || errno != error)
		__builtin_trap();
}

static void use_sockets(void)
{
	struct sockaddr_in tailnet = { .sin_family = AF_INET, .sin_port = htons(80), .sin_addr = { htonl(0x64400005) } };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	/* Nobody knows the way yet. */
	check(connect(fd, (struct sockaddr *)&tailnet, sizeof tailnet), ENETDOWN);
	if (close(fd) != 0)
		__builtin_trap();
	check(close(fd), EBADF);
}

void *dlsym(void *restrict handle, const char *restrict name)
{
	static __typeof__(dlsym) *next;
	if (!next) {
		next = (__typeof__(dlsym) *)dlvsym(RTLD_NEXT, "dlsym", "GLIBC_2.34");
		use_sockets();
	}
	void *volatile found = next(handle, name); /* called from here, so that RTLD_NEXT means what is behind this library */
	return found;
}
