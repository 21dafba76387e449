#include "control.h"

#include "control-connect.h"
#include "control-line.h"
#include "line.h"
#include "receive.h"
#include "syscall.h"
#include "wait.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>

#define LIMIT_NS (5LL * 1000000000)
#define TURN_PAUSE_NS 1000000

static _Atomic tp_own control;
/** The process that has made it; another's is good for hints only, since its answers are not ours to read. */
static _Atomic int maker;
/** Who asks: process and thread, so that a forked child does not wait for a thread that it has not got. */
static _Atomic uint64_t turn;
static _Atomic uint32_t last_id;
/** Whether this process, or one it was forked from, has looked for listeners that it was handed. */
static _Atomic bool adopted;

struct asking {
	const struct tp_config *config;
	tp_own own;
	int64_t deadline;
	uint64_t but; /* the listener that is told of last */
};

static int self(void)
{
	return (int)tp_syscall0(SYS_getpid);
}

static bool take_turn(int64_t deadline)
{
	uint64_t process = (uint64_t)(uint32_t)self() << 32, mine = process | (uint32_t)tp_syscall0(SYS_gettid);
	for (;;) {
		uint64_t now = atomic_load(&turn);
		if ((now == 0 || (now & ~(uint64_t)UINT32_MAX) != process) && atomic_compare_exchange_strong(&turn, &now, mine))
			return true;
		if (tp_wait_now() >= deadline)
			return false;
		tp_wait_any(NULL, 0, tp_wait_now() + TURN_PAUSE_NS);
	}
}

static int send_line(tp_own own, const char *line, size_t length)
{
	if (!tp_own_is(own))
		return -ENETDOWN;
	/* So short a line is taken whole or not at all. */
	long sent = tp_syscall6(SYS_sendto, tp_own_number(own), (long)line, (long)length, MSG_DONTWAIT | MSG_NOSIGNAL, 0, 0);
	return sent == (long)length ? 0 : -ENETDOWN;
}

/** Takes one line of the server off the connection. Returns its length without the newline, or -ENETDOWN. */
static long take_line(tp_own own, char line[TP_CONTROL_LINE_MAX], int64_t deadline)
{
	size_t seen = 0;
	while (tp_own_is(own)) {
		int fd = tp_own_number(own);
		/* Looked at first: what is behind the line is left there. */
		long size = tp_syscall6(SYS_recvfrom, fd, (long)line, TP_CONTROL_LINE_MAX, MSG_PEEK | MSG_DONTWAIT, 0, 0);
		const char *end = size > 0 ? memchr(line, '\n', (size_t)size) : NULL;
		if (end) {
			size_t length = (size_t)(end - line);
			tp_syscall6(SYS_recvfrom, fd, (long)line, (long)length + 1, MSG_DONTWAIT, 0, 0);
			return (long)length;
		}
		if (size == 0 || size == TP_CONTROL_LINE_MAX || (size < 0 && size != -EAGAIN && size != -EINTR))
			return -ENETDOWN;
		/* poll() would tell of the half line again and again. */
		if (size > 0 && (size_t)size == seen)
			tp_wait_any(NULL, 0, tp_wait_now() + TURN_PAUSE_NS);
		seen = size > 0 ? (size_t)size : 0;
		if (tp_wait_now() >= deadline || tp_receive_await(fd, deadline) < 0)
			return -ENETDOWN;
	}
	return -ENETDOWN;
}

/** Waits for the answer with this id, or the server's HELLO for 0. Its reason lies in `line`. */
static int take_answer(tp_own own, uint32_t id, char line[TP_CONTROL_LINE_MAX], struct tp_control_answer *out, int64_t deadline)
{
	for (;;) {
		long length = take_line(own, line, deadline);
		if (length < 0)
			return -ENETDOWN;
		*out = tp_control_read(line, (size_t)length);
		if (id == 0 ? out->kind == TP_CONTROL_HELLO
			    : out->id == id && (out->kind == TP_CONTROL_OK || out->kind == TP_CONTROL_REFUSED))
			return 0;
	}
}

static void report(const struct tp_listener *listener, const char *reason, size_t length)
{
	struct tp_line line = { 0 };
	char text[TP_CONTROL_LINE_MAX + 1];
	memcpy(text, reason, length);
	text[length] = '\0';
	tp_line_address(&line, &listener->address);
	tp_line_text(&line, " is not exported: ");
	tp_line_text(&line, text);
	tp_line_write(&line);
}

static int ask(const struct asking *asking, const struct tp_listener *listener)
{
	static const char away[] = "the session is away, or does not answer";
	char line[TP_CONTROL_LINE_MAX];
	struct tp_control_answer answer = { .kind = TP_CONTROL_UNKNOWN };
	uint32_t id = atomic_fetch_add(&last_id, 1) + 1;
	int result = -ENETDOWN;
	if (asking->own != 0)
		result = send_line(asking->own, line, tp_control_request(line, TP_CONTROL_LISTEN, id ? id : 1, listener));
	if (result == 0)
		result = take_answer(asking->own, id ? id : 1, line, &answer, asking->deadline);
	if (result < 0) {
		report(listener, away, sizeof away - 1);
		return result;
	}
	if (answer.kind == TP_CONTROL_OK)
		return 0;
	report(listener, answer.reason, answer.reason_length);
	return -answer.error;
}

static void tell_inherited(int fd, const struct tp_listener *listener, void *argument)
{
	(void)fd;
	const struct asking *asking = argument;
	if (listener->cookie != asking->but)
		ask(asking, listener);
}

static tp_own connect_anew(const struct asking *asking)
{
	char line[TP_CONTROL_LINE_MAX];
	struct tp_control_answer answer;
	int fd = tp_control_connect(asking->config, asking->deadline);
	tp_own own = fd >= 0 ? tp_own_place(fd) : 0;
	if (own == 0)
		return 0;
	if (send_line(own, line, tp_control_hello(line, (uint32_t)self())) == 0 &&
	    take_answer(own, 0, line, &answer, asking->deadline) == 0)
		return own;
	tp_own_close(own);
	return 0;
}

/** Sees to it that there is a connection of this process's own. A new one is told of all that it listens on. */
static void ensure(struct asking *asking)
{
	tp_own now = atomic_load(&control);
	asking->own = tp_own_is(now) && atomic_load(&maker) == self() ? now : connect_anew(asking);
	if (asking->own == 0 || asking->own == now)
		return;
	atomic_store(&maker, self());
	atomic_store(&control, asking->own);
	atomic_store(&adopted, true);
	tp_listener_scan(asking->config, tell_inherited, asking);
	/* Its owner is whoever made it; what is ours has been told of anew. */
	tp_own_close(now);
}

/** A handler must not find the turn taken by the thread that it interrupts, nor leave it by a longjmp(). */
static void block_signals(uint64_t *before)
{
	uint64_t all = ~(uint64_t)0;
	tp_syscall4(SYS_rt_sigprocmask, SIG_BLOCK, &all, before, sizeof all);
}

static void restore_signals(const uint64_t *before)
{
	tp_syscall4(SYS_rt_sigprocmask, SIG_SETMASK, before, 0, sizeof *before);
}

int tp_control_listen(const struct tp_config *config, int fd)
{
	struct asking asking = { .config = config, .deadline = tp_wait_now() + LIMIT_NS };
	struct tp_listener listener;
	uint64_t signals;
	int result = -ENETDOWN;
	if (!tp_listener_read(fd, &listener) || !tp_listener_is_exported(config, &listener))
		return 0;
	asking.but = listener.cookie;
	block_signals(&signals);
	if (take_turn(asking.deadline)) {
		ensure(&asking);
		result = ask(&asking, &listener);
		atomic_store(&turn, 0);
	}
	restore_signals(&signals);
	return result;
}

static void count(int fd, const struct tp_listener *listener, void *argument)
{
	(void)fd, (void)listener;
	(*(size_t *)argument)++;
}

/** A program without listeners, as most that are started, costs the session no connection. */
static void look(const struct tp_config *config)
{
	struct asking asking = { .config = config, .deadline = tp_wait_now() + LIMIT_NS };
	uint64_t signals;
	size_t found = 0;
	atomic_store(&adopted, true);
	tp_listener_scan(config, count, &found);
	if (found == 0)
		return;
	block_signals(&signals);
	if (take_turn(asking.deadline)) {
		ensure(&asking);
		atomic_store(&turn, 0);
	}
	restore_signals(&signals);
}

void tp_control_init(const struct tp_config *config)
{
	if (!config->export_listeners)
		return;
	look(config);
	/* What comes later, by SCM_RIGHTS, is looked for when it is first accepted from. */
	atomic_store(&adopted, tp_control_is());
}

void tp_control_adopt(const struct tp_config *config)
{
	if (!atomic_load_explicit(&adopted, memory_order_relaxed))
		look(config);
}

bool tp_control_is(void)
{
	return atomic_load_explicit(&control, memory_order_relaxed) != 0;
}

void tp_control_closed(const struct tp_listener *listener)
{
	char line[TP_CONTROL_LINE_MAX];
	send_line(atomic_load(&control), line, tp_control_request(line, TP_CONTROL_CLOSE, 0, listener));
}

tp_own tp_control_own(void)
{
	return atomic_load_explicit(&control, memory_order_relaxed);
}

void tp_control_move(void)
{
	tp_own now = atomic_load(&control);
	tp_own copy = tp_own_copy(now);
	if (copy == 0 || !atomic_compare_exchange_strong(&control, &now, copy))
		tp_own_close(copy);
}
