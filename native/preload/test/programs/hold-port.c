/*
 * hold-port bound|full: prints a port of 127.0.0.1 that refuses, or one whose queue is full until a line comes.
 * hold-port at PORT: says whether that port can be had.
 */
#include "observe.h"

int main(int argc, char **argv)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t length = sizeof address;
	char line[16];
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	int full = argc > 1 && strcmp(argv[1], "full") == 0;
	if (argc > 2) {
		address.sin_port = htons((uint16_t)atoi(argv[2]));
		observe("bind", bind(fd, (struct sockaddr *)&address, length));
		return 0;
	}
	if (bind(fd, (struct sockaddr *)&address, length) < 0)
		return 1;
	getsockname(fd, (struct sockaddr *)&address, &length);
	if (full) {
		listen(fd, 0);
		for (int i = 0; i < 2; i++) {
			int filler = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
			if (connect(filler, (struct sockaddr *)&address, length) < 0 && errno != EINPROGRESS)
				return 1;
		}
	}
	printf("%d\n", ntohs(address.sin_port));
	fflush(stdout);
	if (fgets(line, sizeof line, stdin) && full)
		while (accept(fd, NULL, NULL) >= 0)
			;
	return 0;
}
