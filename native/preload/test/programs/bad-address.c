/* bad-address HOST4 HOST6 PORT: what the kernel refuses, it refuses with its own errno. */
#include "observe.h"

#include <sys/mman.h>
#include <sys/un.h>

static void attempt(const char *what, int family, const void *address, socklen_t length)
{
	int fd = family < 0 ? family : socket(family, SOCK_STREAM | SOCK_NONBLOCK, 0);
	int result = connect(fd, address, length);
	/* A legal address of ours would be dialled: these are not, so that EINPROGRESS means it went on. */
	observe(what, result);
	close(fd);
}

int main(int argc, char **argv)
{
	struct sockaddr_storage four, six, four_again;
	socklen_t four_length = address_of(&four, argv[1], argv[3]), six_length = address_of(&six, argv[2], argv[3]);
	struct sockaddr_un local = { .sun_family = AF_UNIX, .sun_path = "/nonexistent" };
	struct sockaddr other = { .sa_family = 250 }, none = { .sa_family = AF_UNSPEC };
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *hole = page + 4096;
	(void)argc;
	munmap(hole, 4096);
	four_again = four;
	attempt("NULL, 0", AF_INET, NULL, 0);
	attempt("NULL, 16", AF_INET, NULL, 16);
	attempt("unmapped", AF_INET, hole, 16);
	attempt("address 1", AF_INET, (void *)1, 16);
	memcpy(hole - 15, &four, 15);
	attempt("half unmapped", AF_INET, hole - 15, 16);
	attempt("half unmapped v6", AF_INET6, hole - 15, 28);
	for (socklen_t length = 0; length < four_length; length++)
		attempt("short", AF_INET, &four, length);
	for (socklen_t length = 0; length < 24; length++)
		attempt("short v6", AF_INET6, &six, length);
	attempt("too long", AF_INET, &four, 129);
	attempt("far too long", AF_INET, &four, 100000);
	attempt("negative", AF_INET, &four, (socklen_t)-1);
	attempt("v6 on v4", AF_INET, &six, six_length);
	attempt("v4 on v6", AF_INET6, &four, four_length);
	attempt("v4 on v6, long", AF_INET6, &four_again, sizeof four_again);
	attempt("unknown family", AF_INET, &other, sizeof other);
	attempt("unix on v4", AF_INET, &local, sizeof local);
	attempt("unix", AF_UNIX, &local, sizeof local);
	attempt("unspecified", AF_INET, &none, sizeof none);
	attempt("unspecified, 2 bytes", AF_INET, &none, 2);
	attempt("no descriptor", -1, &four, four_length);
	errno = 0;
	observe("not a socket", connect(0, (struct sockaddr *)&four, four_length));
	return 0;
}
