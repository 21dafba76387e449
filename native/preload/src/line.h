/* A line for stderr, put together without stdio and written whole. */
#ifndef TP_LINE_H
#define TP_LINE_H

#include "address.h"

#include <stddef.h>

struct tp_line {
	size_t length;
	char text[320];
};

void tp_line_text(struct tp_line *line, const char *text);
void tp_line_number(struct tp_line *line, long value);
/** 100.64.0.5:80 or [fd7a::5]:80. */
void tp_line_address(struct tp_line *line, const struct tp_address *address);

/** What a dial came to, by its errno; 0 is "connected". */
void tp_line_error(struct tp_line *line, int error);

/** Remembers which file stderr is now; later lines go there or nowhere. */
void tp_line_init(void);

/** Prefixes "tailproxy: ", ends the line. Nothing is written when descriptor 2 has become another file since the start. */
void tp_line_write(struct tp_line *line);

#endif
