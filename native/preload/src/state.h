/* What every hook starts from. */
#ifndef TP_STATE_H
#define TP_STATE_H

#include "child-environment.h"
#include "config.h"
#include "next.h"

/** A hook: the only symbols that others can see. */
#define TP_HOOK __attribute__((visibility("default")))

/** Reads the environment and finds the next functions, once; other libraries' constructors may call before ours. */
const struct tp_config *tp_state(void);

/** What a child needs; only after tp_state(), and nothing while the library is inert. */
const struct tp_kept *tp_state_kept(void);

/** What is started from now on is told of the bootstrap at this number. */
void tp_state_keep_bootstrap(int number);

#endif
