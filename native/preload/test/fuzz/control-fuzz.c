/* What the exporter answers, whatever it is: the reader of its lines stays inside the line, and what it finds lies in it. */
#include "control-line.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const starts[] = { "", "OK ", "REFUSED 1 denied ", "HELLO " };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return 0;
	const char *start = starts[data[0] & 3];
	size_t before = strlen(start), length = before + size - 1;
	/* A copy of the very size: the sanitizer sees every read past it. */
	char *line = malloc(length ? length : 1);
	memcpy(line, start, before);
	memcpy(line + before, data + 1, size - 1);
	struct tp_control_answer answer = tp_control_read(line, length);
	if (answer.kind == TP_CONTROL_REFUSED &&
	    (answer.error <= 0 || answer.reason < line || answer.reason + answer.reason_length != line + length))
		abort();
	free(line);
	return 0;
}
