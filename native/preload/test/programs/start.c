/*
 * start WHERE CALL [ENTRY…] -- PROGRAM [ARG…]: starts PROGRAM by CALL with an environment of those entries, in a child
 * made by fork or vfork, from a thread or a signal handler. "=same" is the environment as it is, "=null" no array at all,
 * "=many" adds ten thousand entries.
 */
#include "observe.h"

#include <pthread.h>
#include <spawn.h>

#define MANY 10000

static char *const *environment;
static char **arguments;
static const char *call;
static _Atomic int stop;

static int is(const char *name)
{
	return strcmp(call, name) == 0;
}

static void leave(const char *what)
{
	dprintf(STDOUT_FILENO, "%s: %s\n", what, error_name(errno));
	_exit(99);
}

/* Up to three arguments, for the calls that take them one by one. */
static void execute(void)
{
	char *const *own = environ;
	char *path = arguments[0], *a = arguments[1], *b = a ? arguments[2] : NULL, *c = b ? arguments[3] : NULL;
	if (is("execv") || is("execvp") || is("execl") || is("execlp"))
		environ = (char **)environment;
	if (is("execve"))
		execve(path, arguments, environment);
	else if (is("execv"))
		execv(path, arguments);
	else if (is("execvp"))
		execvp(path, arguments);
	else if (is("execvpe"))
		execvpe(path, arguments, environment);
	else if (is("execl"))
		execl(path, path, a, b, c, NULL);
	else if (is("execlp"))
		execlp(path, path, a, b, c, NULL);
	else if (is("execle") && !c)
		b ? execle(path, path, a, b, NULL, environment) : execle(path, path, a, NULL, environment);
	else if (is("execle"))
		execle(path, path, a, b, c, NULL, environment);
	else if (is("fexecve"))
		fexecve(open(path, O_RDONLY | O_CLOEXEC), arguments, environment);
#ifdef __GLIBC__
	else if (is("execveat"))
		execveat(AT_FDCWD, path, arguments, environment, 0);
	else if (is("execveat-empty"))
		execveat(open(path, O_PATH | O_CLOEXEC), "", arguments, environment, AT_EMPTY_PATH);
#endif
	else
		errno = EINVAL;
	environ = (char **)own;
	leave(call);
}

static void handler(int number)
{
	(void)number;
	execute();
}

static void *idle(void *argument)
{
	(void)argument;
	while (!stop)
		free(malloc(100));
	return NULL;
}

static void *forks(void *argument)
{
	pid_t *pid = argument;
	*pid = fork();
	if (*pid == 0)
		execute();
	return NULL;
}

static pid_t start_in(const char *where)
{
	pid_t pid;
	if (strcmp(where, "here") == 0)
		execute();
	if (strcmp(where, "vfork") == 0) {
		pid = vfork();
		if (pid == 0)
			execute();
	} else if (strcmp(where, "thread") == 0) {
		pthread_t busy[3], thread;
		for (int i = 0; i < 3; i++)
			pthread_create(&busy[i], NULL, idle, NULL);
		pthread_create(&thread, NULL, forks, &pid);
		pthread_join(thread, NULL);
		stop = 1;
		for (int i = 0; i < 3; i++)
			pthread_join(busy[i], NULL);
	} else {
		pid = fork();
		if (pid == 0 && strcmp(where, "handler") == 0) {
			signal(SIGUSR1, handler);
			raise(SIGUSR1);
		}
		if (pid == 0)
			execute();
	}
	return pid;
}

/* The program's output goes by way of descriptor 9, which the file actions make its standard output. */
static pid_t spawn(void)
{
	posix_spawn_file_actions_t actions;
	pid_t pid = -1;
	posix_spawn_file_actions_init(&actions);
	dup2(STDOUT_FILENO, 9);
	posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, 9, STDOUT_FILENO);
	posix_spawn_file_actions_addclose(&actions, 9);
	errno = 0;
	int result = (is("posix_spawn") ? posix_spawn : posix_spawnp)(&pid, arguments[0], &actions, NULL, arguments, environment);
	/* musl's child shares errno, and searches. */
#ifndef __GLIBC__
	errno = 0;
#endif
	if (result != 0 || errno != 0)
		printf("%s: %s, errno %s\n", call, error_name(result), error_name(errno));
	posix_spawn_file_actions_destroy(&actions);
	return result == 0 ? pid : -1;
}

static int by_shell(void)
{
	char line[4096] = "exec", bytes[4096];
	for (char **argument = arguments; *argument; argument++) {
		strcat(line, " ");
		strcat(line, *argument);
	}
	environ = (char **)environment;
	if (is("system"))
		return system(line);
	FILE *stream = popen(line, "r");
	for (size_t size; (size = fread(bytes, 1, sizeof bytes, stream)) > 0;)
		fwrite(bytes, 1, size, stdout);
	return pclose(stream);
}

int main(int argc, char **argv)
{
	static char *entries[MANY + 100];
	int used = 0, status = 0, at = 3;
	setvbuf(stdout, NULL, _IONBF, 0);
	environment = entries;
	call = argv[2];
	for (; at < argc && strcmp(argv[at], "--") != 0; at++) {
		if (strcmp(argv[at], "=same") == 0)
			environment = environ;
		else if (strcmp(argv[at], "=null") == 0)
			environment = NULL;
		else if (strcmp(argv[at], "=many") == 0)
			for (int i = 0; i < MANY; i++)
				entries[used++] = "MANY=1";
		else
			entries[used++] = argv[at];
	}
	arguments = argv + at + 1;
	if (is("system") || is("popen")) {
		status = by_shell();
	} else {
		pid_t pid = is("posix_spawn") || is("posix_spawnp") ? spawn() : start_in(argv[1]);
		if (pid < 0)
			return 0;
		waitpid(pid, &status, 0);
	}
	printf("status: %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status));
	return 0;
}
