/* ring: sets up an io_uring by the system call, then by liburing where that is installed. */
#include "observe.h"

#include <dlfcn.h>
#include <sys/syscall.h>

static void observe_liburing(void)
{
	int (*init)(unsigned, void *, unsigned);
	char ring[1024];
	/* With RTLD_GLOBAL, as if the program had been linked with it: then names are found in the order of loading. */
	if (!dlopen("liburing.so.2", RTLD_NOW | RTLD_GLOBAL))
		return;
	*(void **)&init = dlsym(RTLD_DEFAULT, "io_uring_queue_init");
	int result = init ? init(4, ring, 0) : -ENOENT;
	printf("liburing: %s\n", result == 0 ? "ok" : error_name(-result));
}

int main(void)
{
	char parameters[120] = { 0 };
	for (int i = 0; i < 2; i++)
		observe("io_uring_setup", syscall(SYS_io_uring_setup, 4, parameters));
	observe_liburing();
	return 0;
}
