/*
 * What is known of the sockets this library has dialled by SOCKS5, or connected to UDP flows: who was asked for, and how far an
 * unfinished dial has come.
 * Keyed by the socket's identity, not the descriptor's number, so that duplicates and forked children answer alike.
 * Lock-free, hence callable from signal handlers and after fork() in any thread; grows and never shrinks, reusing the
 * places of sockets that are gone.
 */
#ifndef TP_FLOW_H
#define TP_FLOW_H

#include "address.h"
#include "socks5-reply.h"

enum tp_flow_state {
	TP_FLOW_NONE,
	TP_FLOW_CLAIMED,   /* being written */
	TP_FLOW_DIALLING,  /* some thread is inside connect() */
	TP_FLOW_PENDING,   /* connect() ended with EINTR or EINPROGRESS; the next call goes on */
	TP_FLOW_CONNECTED,
};

enum {
	TP_STAGE_CONNECT,    /* nothing was done to the socket yet */
	TP_STAGE_CONNECTING, /* to the proxy */
	TP_STAGE_SEND,
	TP_STAGE_READ,
};

struct tp_flow {
	struct tp_address asked;
	uint8_t local[16];  /* where an IPv6 socket was bound; zeros when it was not */
	int32_t fd;	    /* the number it was dialled by: to see later whether the socket still exists */
	uint16_t sent;	    /* bytes of the request that are out; of a UDP flow, the port of its socket */
	uint8_t stage;
	uint8_t v6only;	    /* 1: IPV6_V6ONLY was on, and is off to reach an IPv4 proxy */
	uint8_t unclaimed;  /* 1: connected, and no connect() has said so yet: the next one returns 0, as in the kernel */
	struct tp_socks5_reader reader;
};

/** Gives a descriptor's socket identity, 0 when it has none. */
typedef uint64_t tp_identify(int fd);

/** Records a dial about to begin. Returns its state before: NONE on success, DIALLING or PENDING when there is one. */
enum tp_flow_state tp_flow_begin(uint64_t identity, const struct tp_flow *flow, tp_identify *identify);

/** Takes over a pending dial: only one caller gets PENDING, and its flow. Any other state is only told. */
enum tp_flow_state tp_flow_resume(uint64_t identity, struct tp_flow *flow);

/** Ends a dial begun or resumed: PENDING, CONNECTED, or NONE to forget it. */
void tp_flow_settle(uint64_t identity, const struct tp_flow *flow, enum tp_flow_state state);

enum tp_flow_state tp_flow_find(uint64_t identity, struct tp_flow *flow);
void tp_flow_forget(uint64_t identity);

/** Dials neither connected nor failed: while there are none, other hooks need not look. */
unsigned tp_flow_unsettled(void);
/** Whether any socket was ever recorded. */
int tp_flow_any(void);

#endif
