/*
 * System calls without the C library. The library's own I/O goes this way: another preloaded library must not see it,
 * errno stays the program's, and no cancellation point is added. Each returns a negative errno on failure.
 */
#ifndef TP_SYSCALL_H
#define TP_SYSCALL_H

#include <sys/syscall.h>

/* Headers of before Linux 5.9. */
#ifndef SYS_close_range
#define SYS_close_range 436
#endif

#if defined(__x86_64__)
static inline long tp_syscall6(long number, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	__asm__ volatile("syscall"
			 : "+a"(number)
			 : "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return number;
}
#elif defined(__aarch64__)
static inline long tp_syscall6(long number, long a, long b, long c, long d, long e, long f)
{
	register long x8 __asm__("x8") = number;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;
	register long x5 __asm__("x5") = f;
	__asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
	return x0;
}
#else
#error "libtailproxy.so is written for x86_64 and aarch64"
#endif

#define tp_syscall0(number) tp_syscall6((number), 0, 0, 0, 0, 0, 0)
#define tp_syscall1(number, a) tp_syscall6((number), (long)(a), 0, 0, 0, 0, 0)
#define tp_syscall2(number, a, b) tp_syscall6((number), (long)(a), (long)(b), 0, 0, 0, 0)
#define tp_syscall3(number, a, b, c) tp_syscall6((number), (long)(a), (long)(b), (long)(c), 0, 0, 0)
#define tp_syscall4(number, a, b, c, d) tp_syscall6((number), (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)
#define tp_syscall5(number, a, b, c, d, e) \
	tp_syscall6((number), (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), 0)

#endif
