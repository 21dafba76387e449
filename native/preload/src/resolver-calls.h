/* resolver(3) by both its names: before glibc 2.34 resolv.h turned one into the other, so that it is not included. */
#ifndef TP_RESOLVER_CALLS_H
#define TP_RESOLVER_CALLS_H

struct __res_state;

#define TP_BOTH_NAMES(name, ...) \
	int name(__VA_ARGS__);    \
	int __##name(__VA_ARGS__)

TP_BOTH_NAMES(res_query, const char *name, int class, int type, unsigned char *answer, int room);
TP_BOTH_NAMES(res_search, const char *name, int class, int type, unsigned char *answer, int room);
TP_BOTH_NAMES(res_querydomain, const char *name, const char *domain, int class, int type, unsigned char *answer, int room);
TP_BOTH_NAMES(res_send, const unsigned char *message, int size, unsigned char *answer, int room);
TP_BOTH_NAMES(res_nquery, struct __res_state *state, const char *name, int class, int type, unsigned char *answer, int room);
TP_BOTH_NAMES(res_nsearch, struct __res_state *state, const char *name, int class, int type, unsigned char *answer, int room);
TP_BOTH_NAMES(res_nquerydomain, struct __res_state *state, const char *name, const char *domain, int class, int type,
	      unsigned char *answer, int room);
TP_BOTH_NAMES(res_nsend, struct __res_state *state, const unsigned char *message, int size, unsigned char *answer, int room);

#undef TP_BOTH_NAMES

#endif
