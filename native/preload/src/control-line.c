#include "control-line.h"

#include "ip-text.h"

#include <errno.h>
#include <string.h>

struct text {
	char *start;
	size_t length;
};

static void put(struct text *text, const char *word)
{
	size_t length = strlen(word);
	memcpy(text->start + text->length, word, length);
	text->length += length;
}

static void put_number(struct text *text, uint64_t value)
{
	char digits[21];
	size_t at = sizeof digits;
	digits[--at] = '\0';
	do
		digits[--at] = (char)('0' + value % 10);
	while ((value /= 10) != 0);
	put(text, digits + at);
}

size_t tp_control_hello(char out[TP_CONTROL_LINE_MAX], uint32_t pid)
{
	struct text text = { out, 0 };
	put(&text, "HELLO 2 ");
	put_number(&text, pid);
	put(&text, "\n");
	return text.length;
}

size_t tp_control_request(char out[TP_CONTROL_LINE_MAX], enum tp_control_verb verb, uint32_t id,
			  const struct tp_listener *listener)
{
	struct text text = { out, 0 };
	char address[TP_IP_TEXT_MAX];
	tp_ip_format(&listener->address, false, address);
	put(&text, verb == TP_CONTROL_LISTEN ? "LISTEN " : "CLOSE ");
	put_number(&text, id);
	put(&text, listener->address.family == AF_INET ? " tcp4 " : listener->both ? " tcp46 " : " tcp6 ");
	put(&text, address);
	put(&text, " ");
	put_number(&text, listener->address.port);
	put(&text, " ");
	put_number(&text, listener->cookie);
	put(&text, "\n");
	return text.length;
}

/** The next word, up to a blank or the end; `*line` moves behind the blank. */
static size_t take_word(const char **line, const char *end, const char **word)
{
	*word = *line;
	while (*line < end && **line != ' ')
		(*line)++;
	size_t length = (size_t)(*line - *word);
	if (*line < end)
		(*line)++;
	return length;
}

static bool is(const char *word, size_t length, const char *text)
{
	return strlen(text) == length && memcmp(word, text, length) == 0;
}

static int error_of(const char *code, size_t length)
{
	static const struct {
		const char *code;
		int error;
	} known[] = {
		{ "denied", EACCES }, { "limit", EACCES }, { "taken", EADDRINUSE }, { "invalid", EINVAL },
	};
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if (is(code, length, known[i].code))
			return known[i].error;
	return ENETDOWN;
}

struct tp_control_answer tp_control_read(const char *line, size_t length)
{
	struct tp_control_answer answer = { .kind = TP_CONTROL_UNKNOWN };
	const char *end = line + length, *word, *number;
	size_t size = take_word(&line, end, &word);
	size_t digits = take_word(&line, end, &number);
	long id = tp_decimal_parse(number, digits, UINT32_MAX);
	if (id < 0)
		return answer;
	answer.id = (uint32_t)id;
	if (is(word, size, "OK") && line == end) {
		answer.kind = TP_CONTROL_OK;
	} else if (is(word, size, "HELLO") && line == end) {
		answer.kind = TP_CONTROL_HELLO;
	} else if (is(word, size, "REFUSED")) {
		size_t code = take_word(&line, end, &word);
		answer.kind = TP_CONTROL_REFUSED;
		answer.error = error_of(word, code);
		answer.reason = line;
		answer.reason_length = (size_t)(end - line);
	}
	return answer;
}
