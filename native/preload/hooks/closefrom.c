/* closefrom(3): as close_range(), and one by one on kernels without that. It cannot fail. */
#include "channel.h"
#include "departure.h"
#include "state.h"
#include "syscall.h"

#include <errno.h>
#include <limits.h>
#include <sys/resource.h>

/* glibc has it since 2.34, musl has not. */
void closefrom(int lowest);

/** Linux before 5.9. The highest number cannot be asked for, only the highest that can be given out now. */
static void close_each(int first)
{
	struct rlimit limit = { 1024, 1024 };
	tp_syscall4(SYS_prlimit64, 0, RLIMIT_NOFILE, 0, &limit);
	for (int fd = first; (rlim_t)fd < limit.rlim_cur && fd < INT_MAX; fd++)
		if (!tp_channel_owns(fd))
			tp_syscall1(SYS_close, fd);
}

TP_HOOK void closefrom(int lowest)
{
	int own[TP_CHANNEL_DESCRIPTORS_MAX];
	int saved = errno;
	unsigned first = lowest < 0 ? 0 : (unsigned)lowest;
	struct tp_departures departures;
	tp_state();
	tp_departures_look(first, ~0u, &departures);
	size_t count = tp_channel_descriptors(own);
	long result = 0;
	for (size_t i = 0; i < count && result == 0; i++) {
		unsigned number = (unsigned)own[i];
		if (number < first)
			continue;
		if (number > first)
			result = tp_syscall3(SYS_close_range, first, number - 1, 0);
		first = number + 1;
	}
	if (result == 0)
		result = tp_syscall3(SYS_close_range, first, ~0u, 0);
	if (result < 0)
		close_each(lowest < 0 ? 0 : lowest);
	tp_departures_tell(&departures);
	errno = saved;
}
