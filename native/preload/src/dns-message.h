/* The little of RFC 1035 that a question needs: the message that asks it, and what became of it. */
#ifndef TP_DNS_MESSAGE_H
#define TP_DNS_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#define TP_DNS_HEADER_SIZE 12
/** RFC 1035 §4.2.1. */
#define TP_DNS_DATAGRAM_MAX 512
/** A header, a name of 255 octets, type and class. */
#define TP_DNS_QUESTION_MAX (TP_DNS_HEADER_SIZE + 255 + 4)

/** Room for any domain name in the text of RFC 1035 §5.1, each octet as \DDD. */
#define TP_DNS_TEXT_MAX 1025

/** One question, recursion desired. Returns its size, or -EINVAL for what is no domain name. */
int tp_dns_question(uint8_t out[TP_DNS_QUESTION_MAX], uint16_t id, const char *name, int class, int type);

/** NETDB_SUCCESS when a message of at least a header answers the question, else the h_errno of res_query(3). */
int tp_dns_outcome(const uint8_t *message);

/** TC: what the program sees of the answer is not all of it. */
void tp_dns_mark_truncated(uint8_t *message);

#endif
