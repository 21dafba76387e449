#include "state.h"

#include "channel.h"
#include "control.h"
#include "exec.h"
#include "line.h"
#include "syscall.h"

#include <stdatomic.h>
#include <unistd.h>

enum { FRESH, STARTING, READY };

static struct tp_config config;
static struct tp_kept kept;
static _Atomic int stage;
/** The thread that starts. */
static _Atomic int starter;

/** What a call meets that the start itself makes, as by an allocator that dlsym() needs: no way out yet but to loopback. */
static struct tp_config starting;

static void start(void)
{
	tp_next_init();
	tp_line_init();
	tp_config_read(&config, environ);
	if (config.mode != TP_MODE_INERT) {
		tp_kept_read(&kept, environ, tp_next_own_path());
		tp_kept_bootstrap(&kept, -1);
		tp_exec_init();
	}
	if (config.dial_socket)
		tp_channel_init(&config);
	if (config.mode == TP_MODE_ACTIVE)
		tp_control_init(&config);
	if (config.complaint) {
		struct tp_line line = { 0 };
		tp_line_text(&line, config.complaint);
		tp_line_write(&line);
	}
}

__attribute__((noinline, cold)) static const struct tp_config *begin(void)
{
	int now = FRESH, self = (int)tp_syscall0(SYS_gettid);
	if (atomic_compare_exchange_strong(&stage, &now, STARTING)) {
		starting.mode = TP_MODE_BROKEN;
		starting.bootstrap = -1;
		atomic_store(&starter, self);
		start();
		atomic_store_explicit(&stage, READY, memory_order_release);
	}
	/* Only a library loaded by dlopen() can meet another thread here. */
	while (atomic_load_explicit(&stage, memory_order_acquire) != READY) {
		if (atomic_load(&starter) == self)
			return &starting;
		tp_syscall0(SYS_sched_yield);
	}
	return &config;
}

const struct tp_config *tp_state(void)
{
	return atomic_load_explicit(&stage, memory_order_acquire) == READY ? &config : begin();
}

const struct tp_kept *tp_state_kept(void)
{
	return &kept;
}

void tp_state_keep_bootstrap(int number)
{
	tp_kept_bootstrap(&kept, number);
}

__attribute__((constructor)) static void tp_load(void)
{
	tp_state();
	tp_next_complete();
}
