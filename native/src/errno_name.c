/*
 * The names of errno values, one row each: what the calls in this folder can return.
 * A table of our own, because strerrorname_np needs glibc 2.32.
 */
#include "errno_name.h"

#include <errno.h>

#define ERRNO_NAMES(X) \
	X(EPERM) X(ENOENT) X(ESRCH) X(EINTR) X(EIO) X(ENXIO) X(E2BIG) X(EBADF) X(EAGAIN) X(ENOMEM) X(EACCES) X(EFAULT) \
	X(EBUSY) X(EEXIST) X(ENODEV) X(ENOTDIR) X(EISDIR) X(EINVAL) X(ENFILE) X(EMFILE) X(ENOSPC) X(EROFS) X(EPIPE) \
	X(ERANGE) X(ENAMETOOLONG) X(ENOSYS) X(ELOOP) X(EPROTO) X(EMSGSIZE) X(ENOTSOCK) X(EPROTOTYPE) X(ENOPROTOOPT) \
	X(EPROTONOSUPPORT) X(EOPNOTSUPP) X(EAFNOSUPPORT) X(EADDRINUSE) X(EADDRNOTAVAIL) X(ENETDOWN) X(ENETUNREACH) \
	X(ECONNABORTED) X(ECONNRESET) X(ENOBUFS) X(ENOTCONN) X(ETIMEDOUT) X(ECONNREFUSED) X(EHOSTUNREACH) X(ECANCELED) X(EBADFD) \
	X(ENOLCK) X(EDQUOT) X(ESTALE)

const char *errno_name(int error)
{
	switch (error < 0 ? -error : error) {
#define CASE(name) case name: return #name;
	ERRNO_NAMES(CASE)
#undef CASE
	default:
		return "EUNKNOWN";
	}
}
