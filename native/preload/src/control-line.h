/* The lines of docs/control-protocol.md, version 2, sans-IO. */
#ifndef TP_CONTROL_LINE_H
#define TP_CONTROL_LINE_H

#include "listener.h"

#define TP_CONTROL_LINE_MAX 512

enum tp_control_verb { TP_CONTROL_LISTEN, TP_CONTROL_CLOSE };

/** Writes HELLO and returns its length with the newline. */
size_t tp_control_hello(char out[TP_CONTROL_LINE_MAX], uint32_t pid);

/** Writes a request and returns its length with the newline; `id` 0: no answer is wanted. */
size_t tp_control_request(char out[TP_CONTROL_LINE_MAX], enum tp_control_verb verb, uint32_t id,
			  const struct tp_listener *listener);

enum tp_control_kind { TP_CONTROL_UNKNOWN, TP_CONTROL_HELLO, TP_CONTROL_OK, TP_CONTROL_REFUSED };

struct tp_control_answer {
	enum tp_control_kind kind;
	uint32_t id;	    /* of OK and REFUSED; of HELLO the version */
	int error;	    /* of REFUSED: what listen() fails with when it has to, positive */
	const char *reason; /* of REFUSED: in the line that was read, not ended by a NUL */
	size_t reason_length;
};

/** Reads one line of the server, without its newline. */
struct tp_control_answer tp_control_read(const char *line, size_t length);

#endif
