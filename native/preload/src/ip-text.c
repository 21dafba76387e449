#include "ip-text.h"

#include <errno.h>
#include <string.h>

long tp_decimal_parse(const char *text, size_t length, long ceiling)
{
	long value = 0;
	if (length == 0)
		return -EINVAL;
	for (size_t i = 0; i < length; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -EINVAL;
		value = value * 10 + (text[i] - '0');
		if (value > ceiling)
			return -EINVAL;
	}
	return value;
}

static int parse_quad(uint8_t out[4], const char *text, size_t length)
{
	size_t start = 0;
	for (int part = 0; part < 4; part++) {
		size_t end = start;
		while (end < length && text[end] != '.')
			end++;
		/* Three digits at most, no leading zero: "010" is eight to some readers and ten to others. */
		if (end - start > 3 || (end - start > 1 && text[start] == '0'))
			return -EINVAL;
		long value = tp_decimal_parse(text + start, end - start, 255);
		if (value < 0 || (part < 3) != (end < length))
			return -EINVAL;
		out[part] = (uint8_t)value;
		start = end + 1;
	}
	return 0;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/** The 16-bit group at `*at`; moves past it. Returns its value or -EINVAL. */
static int parse_group(const char *text, size_t length, size_t *at)
{
	int value = 0;
	size_t start = *at;
	while (*at < length && hex_digit(text[*at]) >= 0) {
		if (*at - start == 4)
			return -EINVAL;
		value = value * 16 + hex_digit(text[(*at)++]);
	}
	return *at == start ? -EINVAL : value;
}

static int parse_colons(uint8_t out[16], const char *text, size_t length)
{
	uint8_t bytes[16] = { 0 };
	size_t filled = 0, gap = SIZE_MAX, at = 0;
	if (length >= 2 && text[0] == ':' && text[1] == ':') {
		gap = 0;
		at = 2;
	}
	while (at < length) {
		size_t end = at;
		while (end < length && text[end] != ':')
			end++;
		if (end == length && filled <= 12 && memchr(text + at, '.', end - at)) {
			if (parse_quad(bytes + filled, text + at, end - at) < 0)
				return -EINVAL;
			filled += 4;
			break;
		}
		int group = parse_group(text, length, &at);
		if (group < 0 || filled > 14)
			return -EINVAL;
		bytes[filled++] = (uint8_t)(group >> 8);
		bytes[filled++] = (uint8_t)group;
		if (at == length)
			break;
		if (text[at++] != ':' || at == length)
			return -EINVAL;
		if (text[at] == ':') {
			if (gap != SIZE_MAX)
				return -EINVAL;
			gap = filled;
			at++;
		}
	}
	if (gap == SIZE_MAX ? filled != 16 : filled > 14)
		return -EINVAL;
	memset(out, 0, 16);
	if (gap == SIZE_MAX)
		gap = filled;
	memcpy(out, bytes, gap);
	memcpy(out + 16 - (filled - gap), bytes + gap, filled - gap);
	return 0;
}

int tp_ip_parse(struct tp_address *address, const char *text, size_t length)
{
	static const uint8_t mapped_prefix[12] = { [10] = 0xff, [11] = 0xff };
	uint8_t bytes[16] = { 0 };
	uint8_t family = AF_INET, mapped = 0;
	if (parse_quad(bytes, text, length) < 0) {
		if (parse_colons(bytes, text, length) < 0)
			return -EINVAL;
		family = AF_INET6;
		if (memcmp(bytes, mapped_prefix, sizeof mapped_prefix) == 0) {
			memmove(bytes, bytes + 12, 4);
			memset(bytes + 4, 0, 12);
			family = AF_INET;
			mapped = 1;
		}
	}
	memcpy(address->bytes, bytes, 16);
	address->family = family;
	address->mapped = mapped;
	address->scope = 0;
	return 0;
}

static size_t put_number(char *out, unsigned value, unsigned base)
{
	char digits[10];
	size_t count = 0;
	do
		digits[count++] = "0123456789abcdef"[value % base];
	while ((value /= base) != 0);
	for (size_t i = 0; i < count; i++)
		out[i] = digits[count - 1 - i];
	return count;
}

static size_t put_quad(char *out, const uint8_t bytes[4])
{
	size_t length = 0;
	for (int i = 0; i < 4; i++) {
		if (i > 0)
			out[length++] = '.';
		length += put_number(out + length, bytes[i], 10);
	}
	return length;
}

size_t tp_ip_format(const struct tp_address *address, bool as_mapped, char text[TP_IP_TEXT_MAX])
{
	size_t length = 0;
	if (address->family == AF_INET) {
		if (as_mapped) {
			memcpy(text, "::ffff:", 7);
			length = 7;
		}
		length += put_quad(text + length, address->bytes);
		text[length] = '\0';
		return length;
	}
	/* RFC 5952 §4.2: the longest run of two or more zero groups, the first one of equals, becomes "::". */
	int run = -1, run_length = 1;
	for (int i = 0; i < 8; i++) {
		int count = 0;
		while (i + count < 8 && address->bytes[2 * (i + count)] == 0 && address->bytes[2 * (i + count) + 1] == 0)
			count++;
		if (count > run_length) {
			run = i;
			run_length = count;
		}
	}
	for (int i = 0; i < 8; i++) {
		if (i == run) {
			text[length++] = ':';
			if (i + run_length == 8)
				text[length++] = ':';
			i += run_length - 1;
			continue;
		}
		if (i > 0)
			text[length++] = ':';
		length += put_number(text + length, (unsigned)address->bytes[2 * i] << 8 | address->bytes[2 * i + 1], 16);
	}
	text[length] = '\0';
	return length;
}

/** One number of inet_aton(3): decimal, 0 octal, 0x hex. Returns its length, or 0. */
static size_t aton_number(const char *text)
{
	unsigned base = 10;
	size_t at = 0, start;
	if (text[0] == '0') {
		base = (text[1] | 0x20) == 'x' ? 16 : 8;
		at = base == 16 ? 2 : 0;
	}
	start = at;
	for (; text[at] != '\0' && text[at] != '.'; at++) {
		int digit = hex_digit(text[at]);
		if (digit < 0 || (unsigned)digit >= base)
			return 0;
	}
	return at > start ? at : 0;
}

bool tp_ip_is_numeric(const char *name)
{
	struct tp_address ignored;
	size_t scope = 0;
	while (name[scope] != '\0' && name[scope] != '%')
		scope++;
	if (memchr(name, ':', scope))
		return tp_ip_parse(&ignored, name, scope) == 0;
	for (int parts = 0; parts < 4; parts++) {
		size_t length = aton_number(name);
		if (length == 0)
			return false;
		name += length;
		if (*name == '\0')
			return true;
		name++;
	}
	return false;
}
