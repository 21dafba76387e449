/* odd-listeners unix|udp|closed|file…: listen() and bind() on what is no TCP socket. */
#include "observe.h"

#include <sys/un.h>

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		int fd = -1;
		struct sockaddr_in any = { .sin_family = AF_INET };
		if (strcmp(argv[i], "unix") == 0) {
			struct sockaddr_un nowhere = { .sun_family = AF_UNIX };
			fd = socket(AF_UNIX, SOCK_STREAM, 0);
			observe("bind", bind(fd, (struct sockaddr *)&nowhere, sizeof(sa_family_t)));
		} else if (strcmp(argv[i], "udp") == 0) {
			fd = socket(AF_INET, SOCK_DGRAM, 0);
			observe("bind", bind(fd, (struct sockaddr *)&any, sizeof any));
		} else if (strcmp(argv[i], "file") == 0) {
			fd = open("/dev/null", O_RDONLY);
		}
		observe(argv[i], listen(fd, 5));
		observe("accept", accept(fd == -1 ? -1 : STDIN_FILENO, NULL, NULL));
		observe("NULL", bind(fd, NULL, sizeof any));
		observe("short", bind(fd, (struct sockaddr *)&any, 1));
		close(fd);
	}
	return 0;
}
