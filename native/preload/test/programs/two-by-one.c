/* two-by-one: clone() by its number: parent and child return from the one call, on a copy of the stack and on the same. */
#include "observe.h"
#include "syscall.h"

#include <sched.h>

int main(void)
{
	int status = 0;
	long child = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	if (child == 0)
		_exit(7);
	waitpid((pid_t)child, &status, 0);
	printf("clone: %d\n", WEXITSTATUS(status));
	child = syscall(SYS_clone, CLONE_VM | CLONE_VFORK | SIGCHLD, 0, 0, 0, 0);
	if (child == 0)
		tp_syscall1(SYS_exit_group, 8); /* no call: it would be written over its parent's way back */
	waitpid((pid_t)child, &status, 0);
	printf("clone as vfork: %d\n", WEXITSTATUS(status));
	return 0;
}
