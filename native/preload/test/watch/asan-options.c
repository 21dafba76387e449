/* Compiled into the library, since programs clear their environment: what is started then has no ASAN_OPTIONS. */
const char *__asan_default_options(void);

/* Leaks are valgrind's: LeakSanitizer looks for them by ptrace(2), from a thread of its own. The library comes before the runtime. */
__attribute__((visibility("default"))) const char *__asan_default_options(void)
{
	return "detect_leaks=0:verify_asan_link_order=0";
}
