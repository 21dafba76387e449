/* loopback PORT: every spelling of loopback, to a server that listens on :: and says who it is. */
#include "observe.h"

int main(int argc, char **argv)
{
	static const char *const spellings[] = { "127.0.0.1", "127.255.255.254", "0.0.0.0", "::1", "::", "::ffff:127.0.0.1",
						  "::ffff:127.1.2.3", "::ffff:0.0.0.0" };
	(void)argc;
	for (size_t i = 0; i < sizeof spellings / sizeof spellings[0]; i++) {
		int fd = socket_for(spellings[i], 0);
		printf("%s ", spellings[i]);
		observe("connect", connect_to(fd, spellings[i], argv[1]));
		observe_echo(fd);
		close(fd);
	}
	int pair[2];
	observe("socketpair", socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	observe("send on it", send(pair[0], "x", 1, 0));
	return 0;
}
