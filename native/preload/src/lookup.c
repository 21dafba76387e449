#include "lookup.h"

#include "address-order.h"
#include "ask.h"
#include "channel.h"
#include "hosts.h"
#include "memory.h"
#include "name-message.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

/** The proxy has refused RESOLVE with "command not supported": names are the proxy's to resolve, at the dial. */
static _Atomic bool cannot_resolve;

static bool ends_with(const char *name, size_t length, const char *ending)
{
	size_t size = strlen(ending);
	if (length < size)
		return false;
	for (size_t i = 0; i < size; i++) {
		char c = name[length - size + i];
		if ((c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c) != ending[i])
			return false;
	}
	return true;
}

/* RFC 6761 §6.3: these names are loopback, and no resolver is asked for them. "localhost." is none of /etc/hosts, and would be
 * looked up in the DNS. */
static bool is_below_localhost(const char *name)
{
	size_t length = strlen(name);
	if (length > 0 && name[length - 1] == '.')
		length--;
	return ends_with(name, length, ".localhost") || (length == 9 && ends_with(name, length, "localhost"));
}

bool tp_lookup_is_localhost(const struct tp_config *config, const char *name)
{
	/* Where its file has no line for a family the C library goes on to the DNS, which a dial socket spares it. */
	return !config->dial_socket && strlen(name) == 9 && ends_with(name, 9, "localhost");
}

static void loopback(int family, struct tp_addresses *out)
{
	struct tp_address four = { .family = AF_INET, .bytes = { 127, 0, 0, 1 } };
	struct tp_address six = { .family = AF_INET6, .bytes = { [15] = 1 } };
	if (family != AF_INET6)
		tp_addresses_add(out, &four);
	if (family != AF_INET)
		tp_addresses_add(out, &six);
}

static int stand_in(const char *name, int family, struct tp_addresses *out)
{
	struct tp_address address;
	int result = tp_stand_in_for(name, family == AF_INET6 ? AF_INET6 : AF_INET, &address);
	if (result < 0)
		return result == -EINVAL ? result : -EAGAIN;
	tp_addresses_add(out, &address);
	return 0;
}

static int take_answer(const struct tp_question *question, struct tp_addresses *out)
{
	struct tp_address address = { .family = question->type == 1 ? AF_INET : AF_INET6 };
	bool six_wanted = question->request.port == TP_ASK_AAAA;
	if (question->error < 0)
		return question->error;
	if (question->type == 3)
		return -EAGAIN;
	/* Tor takes no notice of the type asked for, and answers with whichever family it likes. */
	if ((address.family == AF_INET6) != six_wanted)
		return -ENOENT;
	memcpy(address.bytes, question->body, question->length);
	tp_addresses_add(out, &address);
	return 0;
}

static int ask_proxy(const struct tp_config *config, const char *name, int family, struct tp_addresses *out)
{
	static const uint16_t types[] = { TP_ASK_A, TP_ASK_AAAA };
	struct tp_question questions[TP_ASK_MAX];
	size_t count = 0;
	int worst = -ENOENT;
	if (atomic_load(&cannot_resolve))
		return stand_in(name, family, out);
	for (size_t i = 0; i < 2; i++) {
		if (family != AF_UNSPEC && (family == AF_INET6) != (types[i] == TP_ASK_AAAA))
			continue;
		questions[count++].request =
			(struct tp_socks5_request){ .command = TP_SOCKS5_RESOLVE, .name = name, .port = types[i] };
	}
	tp_ask(config, questions, count);
	for (size_t i = 0; i < count; i++) {
		int result = take_answer(&questions[i], out);
		if (result == -EOPNOTSUPP) {
			atomic_store(&cannot_resolve, true);
			return stand_in(name, family, out);
		}
		if (result == -EAGAIN)
			worst = result;
	}
	return out->count > 0 ? 0 : worst;
}

static int ask_session(const struct tp_config *config, const char *name, int family, struct tp_addresses *out)
{
	uint8_t question[TP_RESOLVE_MAX], answer[TP_ADDRESSES_MAX];
	size_t size = tp_resolve_write(question, name, family);
	long length = tp_channel_ask(config, question, size, -1, TP_ADDRESSES, answer, sizeof answer, TP_ASK_LIMIT_NS);
	if (length < 0)
		return -EAGAIN;
	int result = tp_addresses_read(answer, (size_t)length, family, out);
	if (result == 0)
		tp_address_order(out, tp_address_reach);
	return result;
}

int tp_lookup_name(const struct tp_config *config, const char *name, int family, struct tp_addresses *out)
{
	size_t length = strlen(name);
	tp_addresses_clear(out);
	if (length == 0 || length > TP_NAME_MAX)
		return -EINVAL;
	if (config->dial_socket && tp_hosts_name(name, family, out)) {
		tp_address_order(out, tp_address_reach);
		return 0;
	}
	if (is_below_localhost(name)) {
		loopback(family, out);
		return 0;
	}
	if (config->mode != TP_MODE_ACTIVE)
		return -EAGAIN;
	return config->dial_socket ? ask_session(config, name, family, out) : ask_proxy(config, name, family, out);
}

/* An answer may have 255 names of 255 bytes: more than some thread's stack. */
static int ask_session_reverse(const struct tp_config *config, const struct tp_address *address, struct tp_addresses *out)
{
	uint8_t question[TP_REVERSE_SIZE];
	uint8_t *answer = tp_memory_map(TP_ANSWER_MAX);
	if (!answer)
		return -EAGAIN;
	tp_reverse_write(question, address);
	long length = tp_channel_ask(config, question, sizeof question, -1, TP_NAMES, answer, TP_ANSWER_MAX, TP_ASK_LIMIT_NS);
	int result = length < 0 ? -EAGAIN : tp_names_read(answer, (size_t)length, out);
	tp_memory_unmap(answer, TP_ANSWER_MAX);
	return result == -ENODATA ? -ENOENT : result;
}

int tp_lookup_address(const struct tp_config *config, const struct tp_address *address, struct tp_addresses *out)
{
	struct tp_question question = { .request = { .command = TP_SOCKS5_RESOLVE_PTR, .address = address } };
	const char *known = tp_stand_in_name(address);
	tp_addresses_clear(out);
	if (known) {
		memcpy(out->canonical, known, strlen(known) + 1);
		return 0;
	}
	if (tp_stand_in_is(address))
		return -ENOENT;
	if (config->dial_socket) {
		if (tp_hosts_address(address, out))
			return 0;
		/* RFC 6303: nobody is to be asked for the names of loopback. */
		if (tp_address_is_loopback(address))
			return -ENOENT;
	}
	if (config->mode != TP_MODE_ACTIVE)
		return -EAGAIN;
	if (config->dial_socket)
		return ask_session_reverse(config, address, out);
	tp_ask(config, &question, 1);
	if (question.error == -EOPNOTSUPP)
		return -ENOENT;
	if (question.error < 0)
		return question.error;
	if (question.type != 3 || question.length == 0 || memchr(question.body, '\0', question.length))
		return -EAGAIN;
	memcpy(out->canonical, question.body, question.length);
	out->canonical[question.length] = '\0';
	return 0;
}
