/*
 * syscall(2): the numbers that are hooked by name go to the same hooks. Every other one is jumped to, not called: a vfork() or
 * clone() by number returns twice, and must find no frame of ours. The arguments lie where the next syscall() expects them: on
 * x86_64 six in registers and the last on the stack, on aarch64 all in registers.
 */
#include "fail.h"
#include "io-uring.h"
#include "state.h"

#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define TEXT(number) TEXT_OF(number)
#define TEXT_OF(number) #number

#if defined(__x86_64__)
#define CAUGHT(number) "	cmp $" TEXT(number) ", %rdi\n	je tp_syscall_caught\n"
#define FIRST "	endbr64\n"
#define LAST "	jmp *tp_next_syscall(%rip)\n"
#else
#define CAUGHT(number) "	cmp x0, #" TEXT(number) "\n	b.eq tp_syscall_caught\n"
#define FIRST "	hint #34\n" /* bti c */
#define LAST "	adrp x16, tp_next_syscall\n	ldr x16, [x16, :lo12:tp_next_syscall]\n	br x16\n"
#endif
#ifdef SYS_dup2
#define CAUGHT_DUP2 CAUGHT(SYS_dup2)
#else
#define CAUGHT_DUP2
#endif

long tp_syscall_caught(long number, long a, long b, long c, long d, long e, long f);

/* errno is set by the hooks, by the rules of syscall() itself. Descriptors, flags and lengths are ints to the kernel too. */
__attribute__((used)) long tp_syscall_caught(long number, long a, long b, long c, long d, long e, long f)
{
	int fd = (int)a;
	switch (number) {
	case SYS_connect:
		return connect(fd, (const struct sockaddr *)b, (socklen_t)c);
	case SYS_bind:
		return bind(fd, (const struct sockaddr *)b, (socklen_t)c);
	case SYS_listen:
		return listen(fd, (int)b);
	case SYS_accept:
		return accept(fd, (struct sockaddr *)b, (socklen_t *)c);
	case SYS_accept4:
		return accept4(fd, (struct sockaddr *)b, (socklen_t *)c, (int)d);
	case SYS_getpeername:
		return getpeername(fd, (struct sockaddr *)b, (socklen_t *)c);
	case SYS_getsockname:
		return getsockname(fd, (struct sockaddr *)b, (socklen_t *)c);
	case SYS_getsockopt:
		return getsockopt(fd, (int)b, (int)c, (void *)d, (socklen_t *)e);
	case SYS_sendto:
		return sendto(fd, (const void *)b, (size_t)c, (int)d, (const struct sockaddr *)e, (socklen_t)f);
	case SYS_sendmsg:
		return sendmsg(fd, (const struct msghdr *)b, (int)c);
	case SYS_sendmmsg:
		return sendmmsg(fd, (struct mmsghdr *)b, (unsigned)c, (int)d);
	case SYS_recvfrom:
		return recvfrom(fd, (void *)b, (size_t)c, (int)d, (struct sockaddr *)e, (socklen_t *)f);
	case SYS_recvmsg:
		return recvmsg(fd, (struct msghdr *)b, (int)c);
	case SYS_recvmmsg:
		return recvmmsg(fd, (struct mmsghdr *)b, (unsigned)c, (int)d, (struct timespec *)e);
	case SYS_close:
		return close(fd);
	case SYS_close_range:
		return close_range((unsigned)a, (unsigned)b, (int)c);
#ifdef SYS_dup2
	case SYS_dup2:
		return dup2(fd, (int)b);
#endif
	case SYS_dup3:
		return dup3(fd, (int)b, (int)c);
	case SYS_execve:
		return execve((const char *)a, (char *const *)b, (char *const *)c);
	case SYS_execveat:
		return execveat(fd, (const char *)b, (char *const *)c, (char *const *)d, (int)e);
	case SYS_io_uring_setup:
		if (tp_io_uring_refused(tp_state()))
			return tp_fail(-ENOSYS);
		return tp_next_syscall(number, a, b);
	default:
		return tp_next_syscall(number, a, b, c, d, e, f);
	}
}

__asm__("	.text\n"
	"	.balign 16\n"
	"	.globl syscall\n"
	"	.type syscall, %function\n"
	"syscall:\n"
	"	.cfi_startproc\n" FIRST CAUGHT(SYS_connect) CAUGHT(SYS_bind) CAUGHT(SYS_listen)
		CAUGHT(SYS_accept) CAUGHT(SYS_accept4) CAUGHT(SYS_sendto) CAUGHT(SYS_sendmsg) CAUGHT(SYS_sendmmsg)
		CAUGHT(SYS_recvfrom) CAUGHT(SYS_recvmsg) CAUGHT(SYS_recvmmsg) CAUGHT(SYS_getpeername) CAUGHT(SYS_getsockname)
			CAUGHT(SYS_getsockopt) CAUGHT(SYS_close) CAUGHT(SYS_close_range) CAUGHT_DUP2 CAUGHT(SYS_dup3)
				CAUGHT(SYS_execve) CAUGHT(SYS_execveat) CAUGHT(SYS_io_uring_setup) LAST
	"	.cfi_endproc\n"
	"	.size syscall, . - syscall\n");
