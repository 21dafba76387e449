/* without-device COMMAND…: runs it where nobody may bind a socket to a device, as in Linux before 5.7. */
#include "observe.h"

#include <sys/prctl.h>
#include <sys/syscall.h>

/* linux/filter.h and linux/seccomp.h, which musl's compiler does not find. */
struct instruction {
	uint16_t code;
	uint8_t if_true, if_false;
	uint32_t value;
};
struct filter {
	unsigned short length;
	struct instruction *instructions;
};
#define SECCOMP_MODE_FILTER 2
/* Of struct seccomp_data: nr, then args[6] of 64 bits at 16. */
#define NUMBER 0
#define ARGUMENT(number) (16 + 8 * (number))
#define LOAD(offset) { 0x20, 0, 0, (offset) }
#define UNLESS(value, skip) { 0x15, 0, (skip), (value) }
#define RETURN(value) { 0x06, 0, 0, (value) }
#define ALLOW 0x7fff0000u
#define FAIL_WITH(error) (0x00050000u | (error))

int main(int argc, char **argv)
{
	struct instruction instructions[] = {
		LOAD(NUMBER),
		UNLESS(SYS_setsockopt, 5),
		LOAD(ARGUMENT(1)),
		UNLESS(SOL_SOCKET, 3),
		LOAD(ARGUMENT(2)),
		UNLESS(SO_BINDTODEVICE, 1),
		RETURN(FAIL_WITH(EPERM)),
		RETURN(ALLOW),
	};
	struct filter program = { sizeof instructions / sizeof instructions[0], instructions };
	if (argc < 2 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		return 77;
	execv(argv[1], argv + 1);
	return 127;
}
