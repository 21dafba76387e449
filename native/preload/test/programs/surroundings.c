/* surroundings [ARG…]: prints its arguments and its environment, as it finds them. */
#include "observe.h"

int main(int argc, char **argv)
{
	printf("arguments:");
	for (int i = 1; i < argc; i++)
		printf(" %s", argv[i]);
	printf("\n");
	for (char **entry = environ; entry && *entry; entry++)
		printf("%s\n", *entry);
	return argc > 1 && strcmp(argv[1], "7") == 0 ? 7 : 0;
}
