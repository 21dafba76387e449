#include "resolver.h"

#include "ask.h"
#include "channel.h"
#include "dns-message.h"
#include "memory.h"
#include "message.h"
#include "next.h"
#include "syscall.h"

#include <errno.h>
#include <netdb.h>
#include <resolv.h>
#include <string.h>

bool tp_resolver_is_theirs(const struct tp_config *config)
{
	return config->mode == TP_MODE_INERT || (config->mode == TP_MODE_ACTIVE && !config->dial_socket && !config->strict);
}

/** errno is for those who look at it after -1; h_errno says what happened. */
static int end(struct __res_state *state, int error, int h_error)
{
	if (state)
		state->res_h_errno = h_error;
	h_errno = h_error;
	errno = error;
	return -1;
}

void *tp_resolver_next(const char *name)
{
	char older[32] = "__";
	size_t length = strlen(name);
	void *found = tp_next_find(name);
	if (found || length + 3 > sizeof older)
		return found;
	memcpy(older + 2, name, length + 1);
	return tp_next_find(older);
}

int tp_resolver_missing(struct __res_state *state)
{
	return end(state, ENOSYS, NO_RECOVERY);
}

/** Asks, and puts what fits into the program's buffer. Returns the answer's length or a negative errno. */
static long exchange(const struct tp_config *config, const uint8_t *message, size_t size, uint8_t *answer, size_t room)
{
	uint8_t question[TP_MESSAGE_MAX];
	if (!config->dial_socket || config->mode != TP_MODE_ACTIVE)
		return -ETIMEDOUT;
	if (size < TP_DNS_HEADER_SIZE || size > sizeof question - TP_HEADER_SIZE)
		return -EMSGSIZE;
	uint8_t *reply = tp_memory_map(TP_ANSWER_MAX);
	if (!reply)
		return -ENOMEM;
	memcpy(question + TP_HEADER_SIZE, message, size);
	tp_message_head(question, TP_QUERY, TP_HEADER_SIZE + size);
	long length = tp_channel_ask(config, question, TP_HEADER_SIZE + size, -1, TP_ANSWER, reply, TP_ANSWER_MAX,
				     TP_ASK_LIMIT_NS);
	length = length < 0 ? -ETIMEDOUT : length - TP_HEADER_SIZE;
	/* An answer has its question's id, by which the program may know it. */
	if (length >= 0 && (length < TP_DNS_HEADER_SIZE || memcmp(reply + TP_HEADER_SIZE, message, 2) != 0))
		length = -ETIMEDOUT;
	if (length > 0) {
		size_t copied = (size_t)length < room ? (size_t)length : room;
		/* A datagram is cut without a word, and its length with it; what comes over TCP is marked, and its length told. */
		if (copied < (size_t)length && length > TP_DNS_DATAGRAM_MAX)
			tp_dns_mark_truncated(reply + TP_HEADER_SIZE);
		else
			length = (long)copied;
		memcpy(answer, reply + TP_HEADER_SIZE, copied);
	}
	tp_memory_unmap(reply, TP_ANSWER_MAX);
	return length;
}

int tp_resolver_send(const struct tp_config *config, struct __res_state *state, const unsigned char *message, int size,
		     unsigned char *answer, int room)
{
	int saved = errno;
	long length = exchange(config, message, size < 0 ? 0 : (size_t)size, answer, room < 0 ? 0 : (size_t)room);
	if (length < 0)
		return end(state, (int)-length, TRY_AGAIN);
	errno = saved;
	return (int)length;
}

int tp_resolver_query(const struct tp_config *config, struct __res_state *state, const char *name, int class, int type,
		      unsigned char *answer, int room)
{
	uint8_t question[TP_DNS_QUESTION_MAX], head[TP_DNS_HEADER_SIZE];
	uint16_t id = 0;
	int saved = errno;
	tp_syscall3(SYS_getrandom, &id, sizeof id, 0);
	int size = tp_dns_question(question, id, name, class, type);
	if (size < 0)
		return end(state, EMSGSIZE, NO_RECOVERY);
	/* A buffer too small for a header still gets its part of the answer, but what it means is read from a whole one. */
	uint8_t *into = room < TP_DNS_HEADER_SIZE ? head : answer;
	long length = exchange(config, question, (size_t)size, into, into == head ? sizeof head : (size_t)room);
	if (length < 0)
		return end(state, (int)-length, TRY_AGAIN);
	if (into == head && room > 0)
		memcpy(answer, head, (size_t)room);
	int outcome = tp_dns_outcome(into);
	if (outcome != NETDB_SUCCESS)
		return end(state, saved, outcome);
	errno = saved;
	return (int)length;
}

int tp_resolver_query_domain(const struct tp_config *config, struct __res_state *state, const char *name, const char *domain,
			     int class, int type, unsigned char *answer, int room)
{
	char whole[TP_DNS_TEXT_MAX];
	size_t length = strlen(name), rest = domain ? strlen(domain) : 0;
	if (!domain)
		return tp_resolver_query(config, state, name, class, type, answer, room);
	if (length + rest + 2 > sizeof whole)
		return end(state, EMSGSIZE, NO_RECOVERY);
	memcpy(whole, name, length);
	whole[length] = '.';
	memcpy(whole + length + 1, domain, rest + 1);
	return tp_resolver_query(config, state, whole, class, type, answer, room);
}

/** The state of the calling thread, read from resolv.conf if nobody has yet; NULL where there is none. */
static struct __res_state *own_state(void)
{
	struct __res_state *(*own)(void) = (__typeof__(own))tp_next_find("__res_state");
	struct __res_state *state = own ? own() : NULL;
	if (!state || (state->options & RES_INIT))
		return state;
	int (*start)(void) = (__typeof__(start))tp_resolver_next("res_init");
	if (start)
		start();
	return state;
}

int tp_resolver_search(const struct tp_config *config, struct __res_state *state, const char *name, int class, int type,
		       unsigned char *answer, int room)
{
	if (!state)
		state = own_state();
	unsigned long options = state ? state->options : 0;
	unsigned dots = 0, enough = state ? state->ndots : 1;
	size_t length = strlen(name);
	bool no_data = false, failed = false, as_is = false, searched = false;
	int first = -1, result;
	for (size_t i = 0; i < length; i++)
		dots += name[i] == '.';
	bool whole = length > 0 && name[length - 1] == '.';
	/*
	 * The search list is the program's: the tailnet's own domains are added by the session, to a single label that is
	 * none of the host's. The rules are glibc's; musl, which searches only in getaddrinfo(), has neither domains nor
	 * options in its state.
	 */
	if (dots >= enough || whole) {
		result = tp_resolver_query(config, state, name, class, type, answer, room);
		if (result > 0 || whole)
			return result;
		first = h_errno;
		as_is = true;
	}
	bool searches = dots == 0 ? options & RES_DEFNAMES : options & RES_DNSRCH;
	for (size_t i = 0; state && searches && i < MAXDNSRCH && state->dnsrch[i]; i++) {
		const char *domain = state->dnsrch[i];
		domain += domain[0] == '.';
		searched = true;
		as_is |= domain[0] == '\0';
		result = tp_resolver_query_domain(config, state, name, domain[0] ? domain : NULL, class, type, answer, room);
		if (result > 0)
			return result;
		no_data |= h_errno == NO_DATA;
		failed |= h_errno == TRY_AGAIN;
		/* Without an answer at all the next domain would wait as long. */
		if (h_errno == NO_RECOVERY || (h_errno == TRY_AGAIN && errno == ETIMEDOUT) || !(options & RES_DNSRCH))
			break;
	}
	if (!as_is && (dots > 0 || !searched || !(options & RES_NOTLDQUERY))) {
		result = tp_resolver_query(config, state, name, class, type, answer, room);
		if (result > 0)
			return result;
	}
	return end(state, errno, first >= 0 ? first : no_data ? NO_DATA : failed ? TRY_AGAIN : h_errno);
}
