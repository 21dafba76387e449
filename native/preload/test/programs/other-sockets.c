/* other-sockets HOST PORT: sockets SOCKS5 cannot carry, and MPTCP, which it can. A kind the kernel lacks is not listed. */
#include "observe.h"

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int domain, type, protocol;
	} kinds[] = {
		{ "mptcp", AF_INET, SOCK_STREAM, 262 },	    { "sctp", AF_INET, SOCK_STREAM, 132 },
		{ "sctp packets", AF_INET, SOCK_SEQPACKET, 132 }, { "raw", AF_INET, SOCK_RAW, IPPROTO_ICMP },
		{ "ping", AF_INET, SOCK_DGRAM, IPPROTO_ICMP },    { "udp-lite", AF_INET, SOCK_DGRAM, 136 },
		{ "smc", 43, SOCK_STREAM, 0 },
	};
	struct sockaddr_storage there;
	socklen_t length = address_of(&there, argv[1], argv[2]);
	(void)argc;
	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		int fd = socket(kinds[i].domain, kinds[i].type, kinds[i].protocol);
		if (fd < 0)
			continue;
		printf("%s ", kinds[i].name);
		if (kinds[i].protocol == 262) {
			observe("connect", connect(fd, (struct sockaddr *)&there, length));
			observe_echo(fd);
			continue;
		}
		observe("sendto", sendto(fd, "x", 1, 0, (struct sockaddr *)&there, length));
		printf("%s ", kinds[i].name);
		observe("connect", connect(fd, (struct sockaddr *)&there, length));
	}
	return 0;
}
