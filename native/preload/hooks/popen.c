/* popen(3): as system(). */
#include "bootstrap.h"
#include "exec.h"
#include "fail.h"
#include "state.h"

#include <stdio.h>

TP_HOOK FILE *popen(const char *command, const char *mode)
{
	int refused = tp_exec_by_shell();
	if (refused < 0) {
		tp_fail(refused);
		return NULL;
	}
	tp_bootstrap_offer_child();
	FILE *stream = tp_next.popen(command, mode);
	tp_bootstrap_withdraw_child();
	return stream;
}
