/* posix_spawn(3): neither libc's goes through an interposed execve(). It returns its error and leaves errno alone. */
#include "exec.h"
#include "state.h"

#include <fcntl.h>
#include <spawn.h>

struct call {
	pid_t *pid;
	const char *path;
	const posix_spawn_file_actions_t *actions;
	const posix_spawnattr_t *attributes;
	char *const *arguments;
	int result;
};

static void run(void *argument, char *const *environment)
{
	struct call *call = argument;
	call->result = tp_next.posix_spawn(call->pid, call->path, call->actions, call->attributes, call->arguments,
					    environment);
}

TP_HOOK int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
			 const posix_spawnattr_t *attributes, char *const arguments[], char *const environment[])
{
	struct call call = { pid, path, actions, attributes, arguments, -1 };
	struct tp_exec_target target = { AT_FDCWD, path, 0, false };
	int refused = tp_exec(TP_EXEC_CHILD, &target, environment, run, &call);
	return refused < 0 ? -refused : call.result;
}
