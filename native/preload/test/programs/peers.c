/* peers HOST PORT: getpeername() and getsockname() by every way to the same open file description. */
#include "observe.h"

#include <sys/mman.h>

static void shown(const char *what, int fd, int (*call)(int, struct sockaddr *, socklen_t *), socklen_t room,
		  const struct sockaddr_storage *wanted)
{
	unsigned char bytes[128];
	socklen_t length = room;
	memset(bytes, 0xee, sizeof bytes);
	int result = call(fd, (struct sockaddr *)bytes, &length);
	int over = 0;
	for (size_t i = room < 28 ? room : 28; i < sizeof bytes; i++)
		over += bytes[i] != 0xee;
	printf("%s %u: %s length %u written past %d", what, room, result == 0 ? "ok" : error_name(errno), length, over);
	if (wanted)
		printf(" right %d", memcmp(bytes, wanted, room < length ? room : length) == 0);
	printf("\n");
}

int main(int argc, char **argv)
{
	const char *host = argv[1], *port = argv[2];
	struct sockaddr_storage wanted, local;
	socklen_t length = sizeof local;
	int fd = socket_for(host, 0), listener = socket_for(host, 0);
	(void)argc;
	address_of(&wanted, host, port);
	observe_peer(fd, host, port);
	listen(listener, 1);
	observe_peer(listener, host, port);
	observe("connect", connect_to(fd, host, port));
	for (socklen_t room = 0; room <= 30; room++)
		shown("peer", fd, getpeername, room, &wanted);
	getsockname(fd, (struct sockaddr *)&local, &length);
	for (socklen_t room = 0; room <= 30; room++)
		shown("local", fd, getsockname, room, &local);
	printf("local is loopback: %d\n",
	       local.ss_family == AF_INET ? ntohl(((struct sockaddr_in *)&local)->sin_addr.s_addr) >> 24 == 127
					  : IN6_IS_ADDR_LOOPBACK(&((struct sockaddr_in6 *)&local)->sin6_addr) ||
						    IN6_IS_ADDR_V4MAPPED(&((struct sockaddr_in6 *)&local)->sin6_addr));
	shown("negative", fd, getpeername, (socklen_t)-1, NULL);
	length = sizeof local;
	observe("to NULL", getpeername(fd, NULL, &length));
	observe("length NULL", getpeername(fd, (struct sockaddr *)&local, NULL));
	observe("both NULL", getpeername(fd, NULL, NULL));
	length = 0;
	observe("NULL, none", getpeername(fd, NULL, &length));
	char *read_only = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	length = sizeof local;
	observe("read-only", getpeername(fd, (struct sockaddr *)read_only, &length));
	observe("read-only length", getpeername(fd, (struct sockaddr *)&local, (socklen_t *)read_only));
	int copy = dup(fd), second = dup2(fd, 77), third = fcntl(fd, F_DUPFD_CLOEXEC, 500);
	close(fd);
	observe_peer(copy, host, port);
	observe_peer(second, host, port);
	observe_peer(third, host, port);
	fflush(stdout);
	if (fork() == 0) {
		observe_peer(third, host, port);
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	observe_echo(copy);
	int other = socket_for(host, 0);
	dup2(other, second);
	observe_peer(second, host, port);
	return 0;
}
