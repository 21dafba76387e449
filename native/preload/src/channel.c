#include "channel.h"

#include "board.h"
#include "bootstrap.h"
#include "control.h"
#include "memory.h"
#include "receive.h"
#include "syscall.h"
#include "wait.h"
#include "welcome.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18
#endif

#define SEND_BUFFER (4 * 1024 * 1024) /* the kernel takes what it allows (net.core.wmem_max) */
#define PAGE 4096
/** A sidecar that has just begun may take a while to hear of the run: 255 ms, since the pauses between two attempts double. */
#define FIRST_PAUSE_NS 1000000LL
#define LAST_PAUSE_NS (128 * FIRST_PAUSE_NS)

/** In a page that fork() empties, so that a child does not talk on its parent's channel. */
struct process {
	_Atomic tp_own channel;
	_Atomic int pid;
};

static struct process unwiped;
static struct process *process = &unwiped;
static bool wiped;
/** The same as process->channel, and what is left of the parent's in a forked child: closed there. */
static _Atomic tp_own inherited;
/** The last one whose sidecar died. What was sent on it and never read keeps the tarpits of then from others while sockets of
 * this process may still be on their way there. */
static _Atomic tp_own former;
/** A channel has ended, for whatever reason: the next one is to be welcomed. */
static _Atomic bool ended;
/** The sidecar did not know the run, for as long as that was worth waiting for. */
static _Atomic bool refused;

/** Says whose the bootstrap is, and gives a channel's other end if it is not -1. */
static int hello(const struct tp_config *config, int other_end, bool welcome)
{
	uint8_t message[TP_HEADER_SIZE + 4 + 1 + 1 + TP_TOKEN_MAX];
	uint32_t pid = (uint32_t)tp_syscall0(SYS_getpid);
	size_t size = TP_HEADER_SIZE + 6 + (size_t)config->token_length;
	tp_message_head(message, TP_HELLO, size);
	memcpy(message + 4, &pid, sizeof pid);
	message[8] = welcome ? TP_HELLO_WELCOME : 0;
	message[9] = config->token_length;
	memcpy(message + 10, config->token, config->token_length);
	return tp_bootstrap_send(config, message, size, other_end);
}

void tp_channel_init(const struct tp_config *config)
{
	void *page = tp_memory_map(PAGE);
	if (page && tp_syscall3(SYS_madvise, page, PAGE, MADV_WIPEONFORK) == 0) {
		process = page;
		wiped = true;
	}
	/* The sidecar has to know of processes that may dial, not only of those that have. */
	if (tp_bootstrap_init(config))
		hello(config, -1, false);
}

static _Atomic tp_own *own_channel(void)
{
	if (!wiped) {
		int pid = (int)tp_syscall0(SYS_getpid);
		if (atomic_exchange(&process->pid, pid) != pid)
			atomic_store(&process->channel, 0);
	}
	return &process->channel;
}

void tp_channel_forked(void)
{
	tp_own left = atomic_exchange(&inherited, 0);
	if (left == 0)
		return;
	if (left == atomic_load(own_channel()))
		atomic_store(&inherited, left);
	else
		tp_own_close(left);
}

static void retire(tp_own dead)
{
	tp_own same = dead;
	if (!tp_own_is(dead))
		return;
	atomic_compare_exchange_strong(&inherited, &same, 0);
	tp_own_close(atomic_exchange(&former, dead));
}

static void drop(tp_own dead)
{
	atomic_store(&ended, true);
	if (atomic_compare_exchange_strong(own_channel(), &dead, 0))
		retire(dead);
}

/** A channel whose other end is with the sidecar, and a board. Nobody else knows of it yet. -EAGAIN: the sidecar would not. */
static int make(const struct tp_config *config, tp_own *out)
{
	int pair[2], size = SEND_BUFFER;
	bool welcome = !tp_board_is() || atomic_load(&ended);
	*out = 0;
	if (tp_syscall4(SYS_socketpair, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -ENETDOWN;
	tp_syscall5(SYS_setsockopt, pair[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
	tp_own own = tp_own_place(pair[0]);
	if (own == 0) {
		bool supported = tp_own_read(pair[1]) != 0;
		tp_syscall1(SYS_close, pair[1]);
		return supported ? -ENETDOWN : -ENOTSUP;
	}
	int result = hello(config, pair[1], welcome);
	tp_syscall1(SYS_close, pair[1]);
	if (result == 0 && welcome)
		result = tp_welcome_await(tp_own_number(own));
	if (result < 0) {
		tp_own_close(own);
		return result;
	}
	atomic_store(&ended, false);
	*out = own;
	return 0;
}

static int make_patiently(const struct tp_config *config, tp_own *out)
{
	int64_t pause = FIRST_PAUSE_NS;
	int result;
	while ((result = make(config, out)) == -EAGAIN) {
		if (pause > LAST_PAUSE_NS || atomic_load(&refused)) {
			atomic_store(&refused, true);
			return -ENETDOWN;
		}
		tp_wait_any(NULL, 0, tp_wait_now() + pause);
		pause *= 2;
	}
	if (result == 0)
		atomic_store(&refused, false);
	return result;
}

static int open_channel(const struct tp_config *config, tp_own *out)
{
	_Atomic tp_own *channel = own_channel();
	tp_own now = atomic_load(channel);
	if (now != 0 && tp_own_is(now) && tp_board_is()) {
		*out = now;
		return 0;
	}
	if (!config->dial_socket)
		return -ENOTSUP;
	tp_channel_forked();
	int result = make_patiently(config, out);
	if (result < 0)
		return result;
	/* Threads that found none make one each; the first stays. */
	if (!atomic_compare_exchange_strong(channel, &now, *out)) {
		tp_own_close(*out);
		*out = now;
		return 0;
	}
	retire(now);
	atomic_store(&inherited, *out);
	return 0;
}

int tp_channel_open(const struct tp_config *config)
{
	tp_own own;
	return open_channel(config, &own);
}

int tp_channel_send(const struct tp_config *config, const void *message, size_t size, const int *descriptors, size_t count)
{
	for (int attempt = 0; attempt < 2; attempt++) {
		tp_own own;
		if (open_channel(config, &own) < 0)
			return -ENETDOWN;
		int result = tp_own_send(own, message, size, descriptors, count);
		if (result != -EPIPE)
			return result == -EAGAIN ? -ENETDOWN : result;
		drop(own);
	}
	return -ENETDOWN;
}

long tp_channel_ask(const struct tp_config *config, const void *question, size_t size, int descriptor, uint8_t type,
		    void *answer, size_t room, int64_t limit_ns)
{
	int64_t deadline = tp_wait_now() + limit_ns;
	int pair[2];
	if (tp_syscall4(SYS_socketpair, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -EAGAIN;
	int descriptors[2] = { pair[1], descriptor };
	long result = tp_channel_send(config, question, size, descriptors, descriptor >= 0 ? 2 : 1);
	tp_syscall1(SYS_close, pair[1]);
	if (result == 0)
		result = tp_receive_await(pair[0], deadline);
	if (result == 0) {
		/* MSG_TRUNC: the whole length, also of what does not fit. */
		result = tp_syscall6(SYS_recvfrom, pair[0], (long)answer, (long)room, MSG_DONTWAIT | MSG_TRUNC, 0, 0);
		if (result <= 0 || (size_t)result > room || !tp_message_is(answer, (size_t)result, type))
			result = -EAGAIN;
	}
	tp_syscall1(SYS_close, pair[0]);
	return result == -EBADF ? -EAGAIN : result;
}

static void words_of(tp_own words[TP_CHANNEL_DESCRIPTORS_MAX])
{
	words[0] = tp_bootstrap_own();
	words[1] = atomic_load_explicit(&process->channel, memory_order_relaxed);
	words[2] = atomic_load_explicit(&inherited, memory_order_relaxed);
	if (words[2] == words[1])
		words[2] = 0;
	words[3] = tp_control_own();
	words[4] = atomic_load_explicit(&former, memory_order_relaxed);
}

bool tp_channel_owns(int fd)
{
	tp_own words[TP_CHANNEL_DESCRIPTORS_MAX];
	words_of(words);
	for (size_t i = 0; i < TP_CHANNEL_DESCRIPTORS_MAX; i++)
		if (words[i] != 0 && tp_own_number(words[i]) == fd && tp_own_is(words[i]))
			return true;
	return false;
}

size_t tp_channel_descriptors(int out[TP_CHANNEL_DESCRIPTORS_MAX])
{
	tp_own words[TP_CHANNEL_DESCRIPTORS_MAX];
	size_t count = 0;
	words_of(words);
	for (size_t i = 0; i < TP_CHANNEL_DESCRIPTORS_MAX; i++) {
		if (!tp_own_is(words[i]))
			continue;
		size_t at = count++;
		for (; at > 0 && out[at - 1] > tp_own_number(words[i]); at--)
			out[at] = out[at - 1];
		out[at] = tp_own_number(words[i]);
	}
	return count;
}

void tp_channel_yield(int fd)
{
	_Atomic tp_own *channel = own_channel();
	tp_own now = atomic_load(channel);
	if (tp_own_number(tp_bootstrap_own()) == fd) {
		tp_bootstrap_move();
		return;
	}
	if (tp_own_number(tp_control_own()) == fd) {
		tp_control_move();
		return;
	}
	if (tp_own_number(now) != fd)
		return; /* what is left of a parent's may go */
	tp_own copy = tp_own_copy(now);
	if (copy == 0 || !atomic_compare_exchange_strong(channel, &now, copy))
		tp_own_close(copy);
	else
		atomic_store(&inherited, copy);
}
