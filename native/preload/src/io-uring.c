#include "io-uring.h"

#include "board.h"
#include "channel.h"
#include "line.h"

#include <stdatomic.h>

static bool nothing_may_pass(const struct tp_config *config)
{
	/* RFC 5737: nobody's network, so that a board routes it only together with everything. */
	static const struct tp_address nobody = { .family = AF_INET, .bytes = { 192, 0, 2, 1 } };
	const struct tp_run *run = tp_channel_run();
	if (config->mode == TP_MODE_BROKEN || config->strict)
		return true;
	/* Where nobody can say, nothing may. */
	if (config->dial_socket && !tp_board_is() && tp_channel_open(config) < 0)
		return true;
	return run->only_tailnet || run->asks || tp_board_routes(&nobody);
}

bool tp_io_uring_refused(const struct tp_config *config)
{
	static atomic_flag said = ATOMIC_FLAG_INIT;
	if (config->mode == TP_MODE_INERT)
		return false;
	bool refused = nothing_may_pass(config);
	if (config->verbose && !atomic_flag_test_and_set(&said)) {
		struct tp_line line = { 0 };
		tp_line_text(&line, refused ? "io_uring is not available, since its connections and datagrams could not be captured" :
					      "uses io_uring, whose connections and datagrams are not captured");
		tp_line_write(&line);
	}
	return refused;
}
