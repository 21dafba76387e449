/* stderr-gone HOST PORT: the socket gets the number of standard error, and nothing is written into it. */
#include "observe.h"

int main(int argc, char **argv)
{
	(void)argc;
	close(2);
	int fd = socket_for(argv[1], 0);
	printf("number: %d\n", fd);
	observe("connect", connect_to(fd, argv[1], argv[2]));
	observe_echo(fd);
	int other = socket_for(argv[1], 0);
	observe("another", connect_to(other, argv[1], argv[2]));
	observe_echo(fd);
	return 0;
}
