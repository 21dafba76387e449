#include "dns-message.h"

#include <errno.h>
#include <netdb.h>
#include <string.h>

enum { RCODE_NOERROR = 0, RCODE_SERVFAIL = 2, RCODE_NXDOMAIN = 3 };

static void put16(uint8_t *out, unsigned value)
{
	out[0] = (uint8_t)(value >> 8);
	out[1] = (uint8_t)value;
}

/** One octet of a name's text; moves past it. Returns -EINVAL for a broken escape. */
static int octet(const char **at)
{
	const char *text = *at;
	if (text[0] != '\\') {
		*at = text + 1;
		return (uint8_t)text[0];
	}
	if (text[1] < '0' || text[1] > '9') {
		*at = text + 2;
		return text[1] == '\0' ? -EINVAL : (uint8_t)text[1];
	}
	int value = 0;
	for (int i = 1; i <= 3; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -EINVAL;
		value = value * 10 + (text[i] - '0');
	}
	*at = text + 4;
	return value <= 255 ? value : -EINVAL;
}

/** Returns the octets written, at most 255. */
static int put_name(uint8_t *out, const char *name)
{
	size_t size = 0, label = 0; /* of the label's length octet */
	if (name[0] == '.' && name[1] == '\0')
		name++;
	if (name[0] == '\0') {
		out[0] = 0;
		return 1;
	}
	out[size++] = 0;
	while (*name != '\0') {
		if (*name == '.') {
			if (size - label == 1)
				return -EINVAL;
			if (*++name == '\0')
				break;
			label = size;
			if (size == 254)
				return -EINVAL;
			out[size++] = 0;
			continue;
		}
		int value = octet(&name);
		if (value < 0 || size == 254 || size - label > 63)
			return -EINVAL;
		out[size++] = (uint8_t)value;
		out[label]++;
	}
	out[size++] = 0;
	return (int)size;
}

int tp_dns_question(uint8_t out[TP_DNS_QUESTION_MAX], uint16_t id, const char *name, int class, int type)
{
	memset(out, 0, TP_DNS_HEADER_SIZE);
	put16(out, id);
	out[2] = 1; /* RD */
	out[5] = 1; /* QDCOUNT */
	if (class < 0 || class > 0xffff || type < 0 || type > 0xffff)
		return -EINVAL;
	int length = put_name(out + TP_DNS_HEADER_SIZE, name);
	if (length < 0)
		return length;
	put16(out + TP_DNS_HEADER_SIZE + length, (unsigned)type);
	put16(out + TP_DNS_HEADER_SIZE + length + 2, (unsigned)class);
	return TP_DNS_HEADER_SIZE + length + 4;
}

int tp_dns_outcome(const uint8_t *message)
{
	switch (message[3] & 15) {
	case RCODE_NOERROR:
		return message[6] || message[7] ? NETDB_SUCCESS : NO_DATA;
	case RCODE_NXDOMAIN:
		return HOST_NOT_FOUND;
	case RCODE_SERVFAIL:
		return TRY_AGAIN;
	default:
		return NO_RECOVERY;
	}
}

void tp_dns_mark_truncated(uint8_t *message)
{
	message[2] |= 2;
}
