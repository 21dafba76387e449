/*
 * isolate FILE=PLACE... -- COMMAND...: runs a command in a network of its own that has nothing but lo, with files of its own
 * mounted over those of the host.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

/* linux/ipv6.h has it, and cannot be included beside netinet/in.h of every C library. */
struct in6_request {
	struct in6_addr address;
	uint32_t prefix_length;
	int index;
};

static void refuse(const char *what)
{
	perror(what);
	exit(2);
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		refuse(path);
	close(fd);
}

static void enter(void)
{
	char uids[32], gids[32];
	int flags = CLONE_NEWNET | CLONE_NEWNS;
	snprintf(uids, sizeof uids, "0 %u 1", getuid());
	snprintf(gids, sizeof gids, "0 %u 1", getgid());
	if (getuid() == 0 && unshare(flags) == 0)
		return;
	if (unshare(flags | CLONE_NEWUSER) < 0)
		refuse("unshare");
	write_file("/proc/self/setgroups", "deny");
	write_file("/proc/self/uid_map", uids);
	write_file("/proc/self/gid_map", gids);
}

/* Addresses of both families, of no other host: without any the C libraries leave a family out. */
static void bring_up(void)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING | IFF_LOOPBACK };
	struct ifreq alias = { .ifr_name = "lo:1" };
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct in6_request in6 = { .prefix_length = 64 };
	int fd = socket(AF_INET, SOCK_DGRAM, 0), fd6 = socket(AF_INET6, SOCK_DGRAM, 0);
	if (ioctl(fd, SIOCSIFFLAGS, &request) < 0)
		refuse("lo");
	inet_pton(AF_INET, "192.0.2.1", &in.sin_addr);
	memcpy(&alias.ifr_addr, &in, sizeof in);
	inet_pton(AF_INET6, "2001:db8:1::1", &in6.address);
	in6.index = (int)if_nametoindex("lo");
	if (ioctl(fd, SIOCSIFADDR, &alias) < 0 || (fd6 >= 0 && ioctl(fd6, SIOCSIFADDR, &in6) < 0))
		refuse("an address");
	close(fd);
	close(fd6);
}

int main(int argc, char **argv)
{
	int at = 1;
	enter();
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		refuse("mount");
	for (; at < argc && strcmp(argv[at], "--") != 0; at++) {
		char *place = strchr(argv[at], '=');
		*place++ = '\0';
		if (mount(argv[at], place, NULL, MS_BIND, NULL) < 0)
			refuse(place);
	}
	bring_up();
	execvp(argv[at + 1], argv + at + 1);
	perror(argv[at + 1]);
	return 1;
}
