/*
 * by-number HOST PORT UDP-PORT: every hooked system call by its number, and some that are none: an argument in each place, a failure. Run again with more arguments it has been executed.
 */
#include "observe.h"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>

static const char *host, *port;

static void observe_tcp(void)
{
	struct sockaddr_storage there, name;
	socklen_t length = address_of(&there, host, port), size = sizeof name;
	int fd = socket_for(host, SOCK_CLOEXEC), error = -1;
	char back[5] = "";
	memset(&name, 0, sizeof name);
	observe("connect", syscall(SYS_connect, fd, &there, length));
	observe("getpeername", syscall(SYS_getpeername, fd, &name, &size));
	printf("peer: %s\n", memcmp(&name, &there, length) == 0 ? "the destination" : "another");
	size = sizeof name;
	observe("getsockname", syscall(SYS_getsockname, fd, &name, &size));
	size = sizeof error;
	observe("getsockopt", syscall(SYS_getsockopt, fd, SOL_SOCKET, SO_ERROR, &error, &size));
	printf("error: %d\n", error);
	printf("sendto: %ld\n", syscall(SYS_sendto, fd, "ping", 4, MSG_NOSIGNAL, NULL, 0));
	printf("recvfrom: %ld\n", syscall(SYS_recvfrom, fd, back, 4, MSG_WAITALL, NULL, NULL));
	printf("back: %s\n", back);
	observe("connect again", syscall(SYS_connect, fd, &there, length));
	observe("close", syscall(SYS_close, fd));
	observe("close again", syscall(SYS_close, fd));
}

static void observe_udp(const char *udp_port)
{
	struct sockaddr_storage there, from;
	socklen_t length = address_of(&there, host, udp_port), size = sizeof from;
	int fd = socket(there.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char text[8] = "";
	struct iovec part = { "ping", 4 }, room = { text, sizeof text };
	struct mmsghdr out = { .msg_hdr = { .msg_name = &there, .msg_namelen = length, .msg_iov = &part, .msg_iovlen = 1 } };
	struct mmsghdr in = { .msg_hdr = { .msg_name = &from, .msg_namelen = size, .msg_iov = &room, .msg_iovlen = 1 } };
	memset(&from, 0, sizeof from);
	printf("sendto: %ld\n", syscall(SYS_sendto, fd, "ping", 4, 0, &there, length));
	printf("recvfrom: %ld\n", syscall(SYS_recvfrom, fd, text, sizeof text, 0, &from, &size));
	printf("from: %s\n", memcmp(&from, &there, length) == 0 ? "the destination" : "another");
	printf("sendmsg: %ld\n", syscall(SYS_sendmsg, fd, &out.msg_hdr, 0));
	memset(&from, 0, sizeof from);
	printf("recvmsg: %ld\n", syscall(SYS_recvmsg, fd, &in.msg_hdr, 0));
	printf("from: %s\n", memcmp(&from, &there, length) == 0 ? "the destination" : "another");
	printf("sendmmsg: %ld\n", syscall(SYS_sendmmsg, fd, &out, 1, 0));
	memset(&from, 0, sizeof from);
	printf("recvmmsg: %ld\n", syscall(SYS_recvmmsg, fd, &in, 1, 0, NULL));
	printf("from: %s\n", memcmp(&from, &there, length) == 0 ? "the destination" : "another");
	close(fd);
}

static void observe_descriptors(void)
{
	int one = open("/dev/null", O_RDONLY | O_CLOEXEC);
#ifdef SYS_dup2
	printf("dup2: %ld\n", syscall(SYS_dup2, one, 90));
	observe("dup2 of none", syscall(SYS_dup2, -1, 90));
#endif
	printf("dup3: %ld\n", syscall(SYS_dup3, one, 91, O_CLOEXEC));
	observe("dup3 onto itself", syscall(SYS_dup3, one, one, 0));
	observe("close_range", syscall(SYS_close_range, 90, 91, 0));
	observe("closed", fcntl(91, F_GETFD));
	observe("close_range backwards", syscall(SYS_close_range, 91, 90, 0));
}

static void observe_others(void)
{
	static int word = 1;
	printf("gettid: %d\n", syscall(SYS_gettid) == getpid());
	observe("futex", syscall(SYS_futex, &word, 0 /* FUTEX_WAIT */, 0, NULL, NULL, 0));
	/* The last argument: the second page of this very file. */
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	char bytes[16];
	pread(fd, bytes, sizeof bytes, 4096);
	void *page = (void *)syscall(SYS_mmap, NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 4096);
	printf("mmap: %s\n", page != MAP_FAILED && memcmp(page, bytes, sizeof bytes) == 0 ? "the second page" : "wrong");
	observe("no such call", syscall(-1));
	close(fd);
}

int main(int argc, char **argv)
{
	char *again[] = { argv[0], argv[1], argv[2], argv[3], "execve", NULL };
	char *once_more[] = { argv[0], argv[1], argv[2], argv[3], "execveat", "last", NULL };
	char *cleared[] = { NULL };
	host = argv[1];
	port = argv[2];
	if (argc > 4)
		printf("executed by %s\n", argv[4]);
	observe_tcp();
	if (argc == 4) {
		observe_udp(argv[3]);
		observe_descriptors();
		observe_others();
	}
	fflush(stdout);
	if (argc == 4)
		observe("execve", syscall(SYS_execve, argv[0], again, cleared));
	if (argc == 5)
		observe("execveat", syscall(SYS_execveat, AT_FDCWD, argv[0], once_more, cleared, 0));
	return 0;
}
