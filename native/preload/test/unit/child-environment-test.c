#include "child-environment.h"
#include "tap.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#define OWN "/opt/lib/libtailproxy.so"
#define HOST "TAILPROXY_HOST=127.0.0.1"
#define PORT "TAILPROXY_PORT=1080"
#define PRELOAD "LD_PRELOAD=" OWN

static struct tp_kept kept;

static void keep(const char *const *environment)
{
	tp_kept_read(&kept, (char *const *)environment, OWN);
}

#define KEEP(...) keep((const char *const[]){ __VA_ARGS__, NULL })

static char text[4096];

/** The repaired environment in one line, or "complete". */
static const char *repaired(char *const *environment)
{
	struct tp_repair repair;
	int result = tp_child_environment_measure(&kept, environment, &repair);
	if (result < 0)
		return "unreadable";
	if (result == 0)
		return "complete";
	if (result == TP_OTHER_SESSION)
		return "of another session";
	/* Exact sizes, for AddressSanitizer. */
	char **slots = malloc(repair.slots * sizeof *slots), *bytes = malloc(repair.bytes);
	tp_child_environment_build(&kept, environment, &repair, slots, bytes);
	text[0] = '\0';
	for (char **slot = slots; *slot; slot++) {
		strcat(text, slot == slots ? "" : "|");
		strcat(text, *slot);
	}
	struct tp_repair again;
	if (tp_child_environment_measure(&kept, slots, &again) != 0)
		strcat(text, " and still not complete");
	free(slots);
	free(bytes);
	return text;
}

static void check(const char *const *environment, const char *wanted, const char *name)
{
	const char *got = repaired((char *const *)environment);
	ok(strcmp(got, wanted) == 0, name);
	if (strcmp(got, wanted) != 0)
		printf("#   got %s\n#   wanted %s\n", got, wanted);
}

#define CHECK(wanted, name, ...) check((const char *const[]){ __VA_ARGS__, NULL }, wanted, name)
#define NOTHING ((void *)0)

static void repairs(void)
{
	KEEP(PRELOAD, HOST, PORT, "HOME=/root");
	CHECK("complete", "what is complete is left alone", "A=1", PRELOAD, HOST, PORT, "B=2");
	CHECK(HOST "|" PORT "|" PRELOAD, "an empty environment gets all", NOTHING);
	check(NULL, HOST "|" PORT "|" PRELOAD, "and so does none at all");
	CHECK("A=1|B=2|" HOST "|" PORT "|" PRELOAD, "what is missing comes last", "A=1", "B=2");
	CHECK("A=1|" HOST "|B=2|" PRELOAD "|" PORT, "what was changed is put back in its place", "A=1", "TAILPROXY_HOST=192.0.2.1",
	      "B=2", PRELOAD, "TAILPROXY_PORT=");
	CHECK(HOST "|" PORT "|" PRELOAD, "a value that only begins like ours is another", "TAILPROXY_HOST=127.0.0.10", PORT,
	      PRELOAD);
	CHECK(HOST "|" HOST "|" PORT "|" PRELOAD, "every occurrence counts", HOST, "TAILPROXY_HOST=::1", PORT, PRELOAD);
	CHECK("TAILPROXY_HOSTS=1|LD_PRELOADED=1|L|T|TAILPROXY_||" HOST "|" PORT "|" PRELOAD, "other names are not ours",
	      "TAILPROXY_HOSTS=1", "LD_PRELOADED=1", "L", "T", "TAILPROXY_", "");
}

#define SOCK "TAILPROXY_SOCK=/run/dial"
#define TOKEN "TAILPROXY_TOKEN=secret"

static void bootstraps(void)
{
	KEEP(PRELOAD, HOST, PORT, SOCK, TOKEN, "TAILPROXY_FD=3");
	tp_kept_bootstrap(&kept, -1);
	CHECK(HOST "|" PORT "|" SOCK "|" TOKEN "|" PRELOAD, "a bootstrap that is not there is not told of", "TAILPROXY_FD=3");
	tp_kept_bootstrap(&kept, 1000);
	CHECK("complete", "the bootstrap's number is told", PRELOAD, HOST, PORT, SOCK, TOKEN, "TAILPROXY_FD=1000");
	tp_kept_bootstrap(&kept, 999);
	CHECK(PRELOAD "|" HOST "|" PORT "|" SOCK "|" TOKEN "|TAILPROXY_FD=999", "and its new one when it has moved", PRELOAD, HOST,
	      PORT, SOCK, TOKEN, "TAILPROXY_FD=1000");
	KEEP(PRELOAD, HOST, PORT);
	CHECK(HOST "|" PORT "|" PRELOAD, "a dial socket where there was none would lead elsewhere", SOCK, TOKEN);
}

static void preloads(void)
{
	KEEP(PRELOAD, HOST, PORT);
	CHECK("complete", "this library may stand behind another", "LD_PRELOAD=/a.so:" OWN, HOST, PORT);
	CHECK("complete", "or between, parted by blanks", "LD_PRELOAD=/a.so " OWN " /b.so", HOST, PORT);
	CHECK(PRELOAD ":/a.so:/b.so|" HOST "|" PORT, "other libraries are kept, in order", "LD_PRELOAD=/a.so:/b.so", HOST, PORT);
	CHECK(PRELOAD ":" OWN "2:/x" OWN "|" HOST "|" PORT, "a path that contains ours is another",
	      "LD_PRELOAD=" OWN "2:/x" OWN, HOST, PORT);
	CHECK(PRELOAD "|" HOST "|" PORT, "an empty list becomes ours", "LD_PRELOAD=", HOST, PORT);
	CHECK(PRELOAD ":/a|" PRELOAD ":/b|" HOST "|" PORT, "two lists are both mended", "LD_PRELOAD=/a", "LD_PRELOAD=/b", HOST,
	      PORT);
	KEEP("LD_PRELOAD=/first.so /lib/$LIB/libtailproxy.so:/last.so", HOST, PORT);
	CHECK("LD_PRELOAD=/lib/$LIB/libtailproxy.so|" HOST "|" PORT, "what the loader expands is found by its file name",
	      "LD_PRELOAD=", HOST, PORT);
	KEEP("LD_PRELOAD=/other/libtailproxy.so:" OWN, HOST, PORT);
	CHECK(PRELOAD "|" HOST "|" PORT, "the very path comes before the same file name", "LD_PRELOAD=", HOST, PORT);
	KEEP("LD_PRELOAD=/other.so", HOST, PORT);
	CHECK("complete", "loaded by something else, it leaves LD_PRELOAD alone", HOST, PORT);
	CHECK("complete", "whatever it is", HOST, PORT, "LD_PRELOAD=/a");
}

static void values(void)
{
	KEEP(PRELOAD, HOST, PORT, "TAILPROXY_SESSION=s", "TAILPROXY_VERBOSE=", "TAILPROXY_EXIT=1");
	CHECK("complete", "all variables may be there", PRELOAD, HOST, PORT, "TAILPROXY_SESSION=s", "TAILPROXY_VERBOSE=",
	      "TAILPROXY_EXIT=1");
	CHECK(PRELOAD "|" HOST "|" PORT "|TAILPROXY_VERBOSE=|TAILPROXY_EXIT=1|TAILPROXY_SESSION=s", "or be put back", PRELOAD, HOST,
	      PORT, "TAILPROXY_BYPASS=0.0.0.0/0", "TAILPROXY_VERBOSE=1", "TAILPROXY_EXIT=0");
	KEEP(PRELOAD, HOST, PORT);
	CHECK(PRELOAD "|A=1|" HOST "|" PORT, "what would lead the child elsewhere is taken out", PRELOAD,
	      "TAILPROXY_BYPASS=0.0.0.0/0", "A=1", HOST, PORT, "TAILPROXY_PRELOAD_USER=a", "TAILPROXY_PRELOAD_PASSWORD=b");
	CHECK("complete", "what tells or tightens is left", PRELOAD, HOST, PORT, "TAILPROXY_VERBOSE=1", "TAILPROXY_EXIT=1",
	      "TAILPROXY_ONLY_TAILNET=1");
	CHECK("of another session", "an inner tailproxy may have a session of its own", PRELOAD, "TAILPROXY_HOST=127.0.0.2", PORT,
	      "TAILPROXY_SESSION=x");
	KEEP(PRELOAD, HOST, PORT, "TAILPROXY_SESSION=s");
	CHECK("of another session", "or another than this one", PRELOAD, HOST, PORT, "TAILPROXY_SESSION=x");
	CHECK("of another session", "or none at all", "A=1", "TAILPROXY_SESSION=none");
	CHECK(PRELOAD "|" HOST "|" PORT "|TAILPROXY_SESSION=s", "an empty one is a changed one", PRELOAD, HOST, PORT, "TAILPROXY_SESSION=");
	char host[] = HOST, *environment[] = { host, PORT, NULL };
	tp_kept_read(&kept, environment, OWN);
	memset(host, 'x', sizeof host - 1);
	CHECK(HOST "|" PORT, "what the program writes over is remembered", NOTHING);
}

static void memory(void)
{
	char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *hole = pages + 4096;
	mprotect(hole, 4096, PROT_NONE);
	KEEP(PRELOAD, HOST, PORT);
	CHECK("unreadable", "an entry that cannot be read is the kernel's to refuse", PRELOAD, hole, HOST);
	check((const char *const *)hole, "unreadable", "and so is an array");
	char **last = (char **)(hole - sizeof(char *));
	*last = "A=1";
	check((const char *const *)last, "unreadable", "or its end");
	memcpy(hole - 13, "LD_PRELOAD=/a", 13);
	CHECK("unreadable", "nor is a list", hole - 13);
}

static int set_count, unset_count;

static int set(const char *name, const char *value, int overwrite)
{
	set_count += overwrite && ((strcmp(name, "TAILPROXY_HOST") == 0 && strcmp(value, "127.0.0.1") == 0) ||
				   (strcmp(name, "TAILPROXY_PORT") == 0 && strcmp(value, "1080") == 0) ||
				   (strcmp(name, "LD_PRELOAD") == 0 && strcmp(value, OWN) == 0));
	return 0;
}

static int unset(const char *name)
{
	unset_count += strcmp(name, "TAILPROXY_BYPASS") == 0 || strcmp(name, "TAILPROXY_PRELOAD_USER") == 0 ||
		       strcmp(name, "TAILPROXY_PRELOAD_PASSWORD") == 0;
	return 0;
}

int main(void)
{
	repairs();
	bootstraps();
	preloads();
	values();
	memory();
	KEEP(PRELOAD, HOST, PORT);
	const char *const built[] = { "A=1", HOST, PORT, PRELOAD, "TAILPROXY_SESSION=x", NULL };
	tp_child_environment_apply(&kept, (char *const *)built, set, unset);
	is(set_count, 3, "what is ours is set in the program's own");
	is(unset_count, 3, "and what leads away is unset");
	return tap_end();
}
