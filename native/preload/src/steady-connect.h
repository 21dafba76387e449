/*
 * A blocking connect() that survives the kernel's own restarting of it. After a handler with SA_RESTART the kernel makes the call
 * anew; if the dial has failed meanwhile, and the socket is unconnected again, that would be a connection which nobody answers.
 */
#ifndef TP_STEADY_CONNECT_H
#define TP_STEADY_CONNECT_H

#include <sys/socket.h>

/** As connect(2), to a peer that never answers by itself: 0 or a negative errno. errno is left alone. */
int tp_steady_connect(int fd, const struct sockaddr_storage *address, socklen_t length);

#endif
