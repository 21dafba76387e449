/*
 * getaddrinfo_a(3) over our getaddrinfo(): glibc's own calls the one inside it. What is known of a request is its __return,
 * EAI_INPROGRESS until the end, so that gai_error() is the C library's.
 */
#ifndef TP_ASYNC_LOOKUP_H
#define TP_ASYNC_LOOKUP_H

#include <netdb.h>
#include <signal.h>
#include <time.h>

/**
 * Starts all requests of a list that are not NULL and returns 0; `wait`: when all are done. Without threads the requests
 * are done before it returns, which the program sees as very fast answers. EAI_MEMORY: nothing was started.
 */
int tp_async_start(struct gaicb *const *list, int count, const struct sigevent *notify, int wait);

/** gai_suspend(3): waits for the end of one of the list's requests that are under way. `limit` NULL: however long. */
int tp_async_suspend(const struct gaicb *const *list, int count, const struct timespec *limit);

#endif
