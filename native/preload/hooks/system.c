/* system(3): it has no environment argument, so the program's own is repaired; not async-signal-safe, as POSIX has it. */
#include "bootstrap.h"
#include "exec.h"
#include "fail.h"
#include "state.h"

#include <stdlib.h>

TP_HOOK int system(const char *command)
{
	/* NULL asks whether there is a shell. */
	int refused = command ? tp_exec_by_shell() : (tp_state(), 0);
	if (refused < 0)
		return tp_fail(refused);
	tp_bootstrap_offer_child();
	int result = tp_next.system(command);
	tp_bootstrap_withdraw_child();
	return result;
}
