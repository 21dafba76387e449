#include "exec.h"

#include "bootstrap.h"
#include "child-environment.h"
#include "line.h"
#include "memory.h"
#include "state.h"
#include "syscall.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Two thousand variables. Above it pages are mapped: they stay with the parent when a vfork() child's exec succeeds. */
#define STACK_LIMIT 16384

static _Atomic int own_warned;
static _Atomic int *warned = &own_warned;

void tp_exec_init(void)
{
	long page = tp_syscall6(SYS_mmap, 0, sizeof *warned, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (page > 0)
		warned = (_Atomic int *)page;
}

static void say(enum tp_capture capture, const char *path, const char *consequence)
{
	static const char *const reasons[] = {
		[TP_CAPTURE_STATIC] = " is static", [TP_CAPTURE_PRIVILEGED] = " runs with privileges of its own",
		[TP_CAPTURE_FOREIGN] = " is for another machine", [TP_CAPTURE_UNKNOWN] = " cannot be read",
	};
	struct tp_line line = { 0 };
	tp_line_text(&line, path[0] != '\0' ? path : "the program");
	tp_line_text(&line, reasons[capture]);
	tp_line_text(&line, consequence);
	tp_line_write(&line);
}

static const char *search_path(void)
{
	for (char *const *entry = environ; entry && *entry; entry++)
		if (strncmp(*entry, "PATH=", 5) == 0)
			return *entry + 5;
	return NULL;
}

/** 0, or -EACCES for what must not be started. Not inlined: its buffers are gone when the program is started. */
__attribute__((noinline)) static int admit(const struct tp_exec_target *target)
{
	enum tp_capture capture = tp_exec_target_look(target, target->searched ? search_path() : NULL);
	if (capture == TP_CAPTURE_YES)
		return 0;
	if (tp_state()->strict) {
		say(capture, target->path, ": not started, since it cannot be captured and an exit node or --only-tailnet is set");
		return -EACCES;
	}
	if (capture != TP_CAPTURE_UNKNOWN && !atomic_exchange(warned, 1))
		say(capture, target->path, ": it is not captured and uses the host's network (said once)");
	return 0;
}

static void with_repaired(char *const *environment, const struct tp_repair *repair, void *memory, tp_exec_run *run, void *call)
{
	char **slots = memory;
	run(call, tp_child_environment_build(tp_state_kept(), environment, repair, slots, (char *)(slots + repair->slots)));
}

/** `repair` as measured. */
static int repair_and_run(char *const *environment, const struct tp_repair *repair, tp_exec_run *run, void *call)
{
	size_t size = repair->slots * sizeof(char *) + repair->bytes;
	if (size <= STACK_LIMIT) {
		with_repaired(environment, repair, __builtin_alloca(size), run, call);
		return 0;
	}
	void *memory = tp_memory_map(size);
	if (!memory)
		return -ENOMEM;
	with_repaired(environment, repair, memory, run, call);
	tp_memory_unmap(memory, size);
	return 0;
}

static void offer(enum tp_exec_kind kind)
{
	if (kind == TP_EXEC_CHILD)
		tp_bootstrap_offer_child();
	else
		tp_bootstrap_offer();
}

static void withdraw(enum tp_exec_kind kind)
{
	if (kind == TP_EXEC_CHILD)
		tp_bootstrap_withdraw_child();
	else
		tp_bootstrap_withdraw();
}

int tp_exec(enum tp_exec_kind kind, const struct tp_exec_target *target, char *const *environment, tp_exec_run *run, void *call)
{
	struct tp_repair repair;
	int result = 0;
	bool outside = tp_state()->mode == TP_MODE_INERT;
	int measured = outside ? 0 : tp_child_environment_measure(tp_state_kept(), environment, &repair);
	if (measured == TP_OTHER_SESSION)
		outside = true; /* whoever made that session has looked at the program */
	int refused = outside ? 0 : admit(target);
	if (refused < 0)
		return refused;
	if (outside) {
		run(call, environment);
		return 0;
	}
	offer(kind);
	if (measured <= 0)
		run(call, environment);
	else
		result = repair_and_run(environment, &repair, run, call);
	withdraw(kind);
	return result;
}

static void apply(void *call, char *const *environment)
{
	(void)call;
	tp_child_environment_apply(tp_state_kept(), environment, tp_next.setenv, tp_next.unsetenv);
}

int tp_exec_by_shell(void)
{
	struct tp_repair repair;
	struct tp_exec_target shell = { AT_FDCWD, "/bin/sh", 0, false };
	int saved = errno, result, measured;
	if (tp_state()->mode == TP_MODE_INERT)
		return 0;
	measured = tp_child_environment_measure(tp_state_kept(), environ, &repair);
	if (measured == TP_OTHER_SESSION)
		return 0;
	result = admit(&shell);
	if (result == 0 && measured > 0)
		result = repair_and_run(environ, &repair, apply, NULL);
	errno = saved;
	return result;
}

size_t tp_exec_count(const char *first, va_list *list)
{
	size_t count = 0;
	for (const char *argument = first; argument; argument = va_arg(*list, const char *))
		count++;
	return count;
}

void tp_exec_collect(char **arguments, size_t count, const char *first, va_list *list)
{
	const char *argument = first;
	for (size_t i = 0; i < count; i++) {
		arguments[i] = (char *)argument;
		argument = va_arg(*list, const char *);
	}
	arguments[count] = NULL;
}
