/* start-errors DIRECTORY [clear]: what the kernel refuses, every call refuses with the kernel's errno. */
#include "observe.h"

#include <spawn.h>
#include <sys/mman.h>

static char *nothing[] = { NULL };
static char *const *environment;

static void ended(const char *what, pid_t pid)
{
	int status;
	fflush(stdout);
	waitpid(pid, &status, 0);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 99)
		printf("%s: started, %x\n", what, status);
}

#define ATTEMPT(what, expression)                                                              \
	do {                                                                                   \
		fflush(stdout);                                                                \
		pid_t pid_ = fork();                                                           \
		if (pid_ == 0) {                                                               \
			environ = (char **)environment;                                        \
			long result_ = (expression);                                           \
			dprintf(STDOUT_FILENO, "%s %s: %ld %s\n", name, what, result_, error_name(errno)); \
			_exit(99);                                                             \
		}                                                                              \
		ended(what, pid_);                                                             \
	} while (0)

static int spawned(int result)
{
	errno = result;
	return result ? -1 : 0;
}

static void attempt(const char *name, const char *path, char *const *arguments)
{
	pid_t pid;
	ATTEMPT("execve", execve(path, arguments, environment));
	ATTEMPT("execv", execv(path, arguments));
	ATTEMPT("execvp", execvp(path, arguments));
	ATTEMPT("execvpe", execvpe(path, arguments, environment));
	ATTEMPT("fexecve", fexecve(open(path, O_RDONLY), arguments, environment));
	/* glibc's own posix_spawn() reads it. */
	if (!arguments)
		return;
	ATTEMPT("posix_spawn", spawned(posix_spawn(&pid, path, NULL, NULL, arguments, environment)));
	ATTEMPT("posix_spawnp", spawned(posix_spawnp(&pid, path, NULL, NULL, arguments, environment)));
	if (!arguments[0])
		return;
	ATTEMPT("execl", execl(path, arguments[0], NULL));
	ATTEMPT("execlp", execlp(path, arguments[0], NULL));
	ATTEMPT("execle", execle(path, arguments[0], NULL, environment));
#ifdef __GLIBC__
	ATTEMPT("execveat", execveat(AT_FDCWD, path, arguments, environment, 0));
	ATTEMPT("execveat flags", execveat(AT_FDCWD, path, arguments, environment, 0x40000));
#endif
}

int main(int argc, char **argv)
{
	const char *const files[] = { "missing", "plain", "text", "script", "loop", "dangling", "." };
	char path[4096], *one[] = { "one", NULL };
	char *large = malloc(200000), *with_large[] = { large, NULL };
	char *hole = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *name = "", *unreadable[] = { "A=1", hole, NULL };
	char **volatile wild = (char **)8;
	environment = argc > 2 ? nothing : environ;
	memset(large, 'x', 199999);
	large[199999] = '\0';
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		snprintf(path, sizeof path, "%s/%s", argv[1], files[i]);
		attempt(files[i], path, one);
	}
	attempt("no such name", "no-such-name-anywhere", one);
	attempt("empty", "", one);
	attempt("too large", "/bin/true", with_large);
	attempt("no arguments", "/bin/true", nothing);
	attempt("NULL arguments", "/bin/true", NULL);
	ATTEMPT("execve unreadable path", execve(hole, one, environment));
	ATTEMPT("execve unreadable arguments", execve("/bin/true", (char **)hole, environment));
	ATTEMPT("execve unreadable environment", execve("/bin/true", one, (char **)hole));
	ATTEMPT("execve unreadable entry", execve("/bin/true", one, unreadable));
	ATTEMPT("execve wild environment", execve("/bin/true", one, wild));
	printf("shell: %d\n", !!system(NULL));
	printf("exit: %d\n", system("exit 3"));
	printf("no mode: %d\n", popen("true", "nonsense") == NULL);
	return 0;
}
