/* In a program whose listeners are exported, none is reached by the host's network. */
#ifndef TP_CONFINE_H
#define TP_CONFINE_H

#include "address.h"

/**
 * Before listen(): binds a TCP socket to the device lo, which takes both families and refuses the host's other addresses, while
 * getsockname() stays what was asked for. Returns 0, or -EACCES where that cannot be done: then it must not listen.
 */
int tp_confine_listener(int fd);

/** Whether the kernel lets anybody bind a socket to a device: Linux since 5.7. Where not, bind() has to rewrite the address. */
bool tp_confine_by_device(void);

/** What bind() binds to instead of that address; false to leave it. */
bool tp_confine_address(const struct tp_address *asked, struct tp_address *out);

/** Remembers that this process has rewritten the address of the socket with that identity, which makes it no private one. */
void tp_confine_remember(uint64_t identity);
bool tp_confine_has_rewritten(uint64_t identity);

#endif
