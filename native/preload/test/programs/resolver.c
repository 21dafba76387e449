/* resolver NAME SHORT ALIAS NONE EMPTY [MANY]: resolver(3), by each of its calls that the C library has. */
#include "observe.h"

#include <arpa/nameser.h>
#include <netdb.h>
#include <resolv.h>

enum { A = 1, PTR = 12, TXT = 16, AAAA = 28, IN = 1 };

static const char *reason(int error)
{
	switch (error) {
	case HOST_NOT_FOUND: return "HOST_NOT_FOUND";
	case TRY_AGAIN: return "TRY_AGAIN";
	case NO_RECOVERY: return "NO_RECOVERY";
	case NO_DATA: return "NO_DATA";
	}
	return "another reason";
}

/** The last address of an answer, which is the end of its message here. */
static void show(const char *what, int length, const unsigned char *answer, int size, int type)
{
	char text[INET6_ADDRSTRLEN] = "-";
	if (length < 0) {
		printf("%s: %s\n", what, reason(h_errno));
		return;
	}
	if (length <= size && type == A)
		inet_ntop(AF_INET, answer + length - 4, text, sizeof text);
	if (length <= size && type == AAAA)
		inet_ntop(AF_INET6, answer + length - 16, text, sizeof text);
	printf("%s: rcode %d, answers %d, truncated %d, %s\n", what, answer[3] & 15, answer[6] << 8 | answer[7],
	       answer[2] >> 1 & 1, text);
}

int main(int argc, char **argv)
{
	unsigned char answer[4096], question[512];
	const char *name = argv[1], *word = argv[2], *alias = argv[3], *none = argv[4], *empty = argv[5];
	const char *many = argc > 6 ? argv[6] : name;
	int before = open_descriptors(), size;
	memset(answer, 0, sizeof answer);
	show("res_query", res_query(name, IN, A, answer, sizeof answer), answer, sizeof answer, A);
	show("AAAA", res_query(name, IN, AAAA, answer, sizeof answer), answer, sizeof answer, AAAA);
	show("a dot at the end", res_query(strcat(strcpy((char *)question, name), "."), IN, A, answer, sizeof answer), answer,
	     sizeof answer, A);
	show("a small buffer", res_query(name, IN, A, answer, 20), answer, 20, A);
	size = res_query(many, IN, A, answer, 512);
	printf("a long answer: whole length %d, truncated %d\n", size > 512, answer[2] >> 1 & 1);
	show("alias", res_query(alias, IN, A, answer, sizeof answer), answer, sizeof answer, A);
	show("no such name", res_query(none, IN, A, answer, sizeof answer), answer, sizeof answer, A);
	show("no such type", res_query(empty, IN, A, answer, sizeof answer), answer, sizeof answer, A);
	show("no name", res_query("a..b", IN, A, answer, sizeof answer), answer, sizeof answer, A);
	show("a long label", res_query("a123456789a123456789a123456789a123456789a123456789a1234567890123", IN, A, answer,
				       sizeof answer), answer, sizeof answer, A);
	show("PTR", res_query("5.0.64.100.in-addr.arpa", IN, PTR, answer, sizeof answer), answer, sizeof answer, PTR);
	show("no PTR", res_query("9.9.64.100.in-addr.arpa", IN, PTR, answer, sizeof answer), answer, sizeof answer, PTR);
	show("res_search, whole", res_search(name, IN, A, answer, sizeof answer), answer, sizeof answer, A);
	show("res_querydomain", res_querydomain(word, strchr(name, '.') + 1, IN, A, answer, sizeof answer), answer, sizeof answer,
	     A);
	size = res_mkquery(0, name, IN, AAAA, NULL, 0, NULL, question, sizeof question);
	show("res_send", res_send(question, size, answer, sizeof answer), answer, sizeof answer, AAAA);
	printf("the id is the question's: %d\n", memcmp(question, answer, 2) == 0);
#ifdef __GLIBC__
	struct __res_state state;
	memset(&state, 0, sizeof state);
	show("res_search, a word", res_search(word, IN, A, answer, sizeof answer), answer, sizeof answer, A);
	show("res_search, nothing", res_search("nosuchword", IN, A, answer, sizeof answer), answer, sizeof answer, A);
	printf("res_ninit: %d\n", res_ninit(&state));
	show("res_nquery", res_nquery(&state, name, IN, A, answer, sizeof answer), answer, sizeof answer, A);
	show("res_nsearch", res_nsearch(&state, word, IN, AAAA, answer, sizeof answer), answer, sizeof answer, AAAA);
	show("res_nquerydomain", res_nquerydomain(&state, word, strchr(name, '.') + 1, IN, A, answer, sizeof answer), answer,
	     sizeof answer, A);
	show("res_nsend", res_nsend(&state, question, size, answer, sizeof answer), answer, sizeof answer, AAAA);
	show("res_nquery, no such name", res_nquery(&state, none, IN, A, answer, sizeof answer), answer, sizeof answer, A);
	printf("in the state: %s\n", reason(state.res_h_errno));
	state.options &= ~(unsigned long)(RES_DNSRCH | RES_DEFNAMES);
	show("res_nsearch without domains", res_nsearch(&state, name, IN, A, answer, sizeof answer), answer, sizeof answer, A);
	res_nclose(&state);
#endif
	printf("descriptors left: %d\n", open_descriptors() - before);
	return 0;
}
