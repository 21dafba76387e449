#include "welcome.h"

#include "board.h"
#include "channel.h"
#include "memory.h"
#include "receive.h"
#include "syscall.h"
#include "wait.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define LIMIT_NS (5LL * 1000000000)
#define WELCOME_SIZE (TP_HEADER_SIZE + 2)

static struct tp_run run;

const struct tp_run *tp_channel_run(void)
{
	return &run;
}

/** Reads the message and its descriptor. Returns the descriptor, -EAGAIN at the end of the channel, or -ENETDOWN. */
static int receive(int channel, uint8_t message[WELCOME_SIZE])
{
	int fd;
	long size = tp_receive(channel, message, WELCOME_SIZE, &fd);
	if (size == WELCOME_SIZE && fd >= 0 && tp_message_is(message, (size_t)size, TP_WELCOME))
		return fd;
	if (fd >= 0)
		tp_syscall1(SYS_close, fd);
	return size == 0 ? -EAGAIN : -ENETDOWN;
}

/** A board that could shrink would end the program by SIGBUS. */
static bool is_whole(int fd)
{
	struct stat status;
	long seals = tp_syscall3(SYS_fcntl, fd, F_GET_SEALS, 0);
	return seals > 0 && (seals & F_SEAL_SHRINK) && tp_syscall2(SYS_fstat, fd, &status) == 0 &&
	       status.st_size == TP_BOARD_SIZE;
}

/* Over the one of a dead sidecar, at a stroke: no thread, and no call that a signal handler has interrupted, reads what is not
 * there, and nothing is left of it however often that happens. */
static int take_board(int fd)
{
	uint8_t beginning[TP_BOARD_BEGINNING];
	bool same;
	if (!is_whole(fd) || tp_syscall4(SYS_pread64, fd, beginning, sizeof beginning, 0) != sizeof beginning ||
	    !tp_board_begins(beginning))
		return -ENETDOWN;
	void *place = tp_board_place(beginning, &same);
	if (same)
		return 0;
	long start = tp_syscall6(SYS_mmap, (long)place, TP_BOARD_SIZE, PROT_READ, MAP_SHARED | (place ? MAP_FIXED : 0), fd, 0);
	if (start < 0 && start > -4096)
		return -ENETDOWN;
	if (!place && !tp_board_adopt((const void *)start))
		tp_memory_unmap((void *)start, TP_BOARD_SIZE); /* another thread's came first */
	return tp_board_is() ? 0 : -ENETDOWN;
}

/** What is the same already is not written again: others may be reading it. */
static void set_byte(void *at, uint8_t value)
{
	if (__atomic_load_n((uint8_t *)at, __ATOMIC_RELAXED) != value)
		__atomic_store_n((uint8_t *)at, value, __ATOMIC_RELAXED);
}

/** Before the board, which is what others look for. Threads that come here at once have been told the same. */
static int take_run(const uint8_t *body)
{
	if (body[1] > TP_UDP_DIRECT)
		return -ENETDOWN;
	set_byte(&run.only_tailnet, (body[0] & TP_RUN_ONLY_TAILNET) != 0);
	set_byte(&run.asks, (body[0] & TP_RUN_ASKS) != 0);
	set_byte(&run.udp, body[1]);
	return 0;
}

int tp_welcome_await(int channel)
{
	uint8_t message[WELCOME_SIZE];
	if (tp_receive_await(channel, tp_wait_now() + LIMIT_NS) < 0)
		return -ENETDOWN;
	int fd = receive(channel, message);
	if (fd < 0)
		return fd;
	int result = take_run(message + TP_HEADER_SIZE);
	if (result == 0)
		result = take_board(fd);
	tp_syscall1(SYS_close, fd);
	return result;
}
