/*
 * A file that one process at a time holds, for as long as it lives.
 * Not here: waiting for it, and what it stands for.
 */
#include "file_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * flock(2) rather than fcntl(2): the lock belongs to the open file, not to the process, which would lose it with any
 * other descriptor of the file that it closes; and unlike F_OFD_SETLK it is shown with its pid in /proc/locks.
 */
static int claim(int fd, const char *text)
{
	struct stat status;
	size_t length = strlen(text);

	if (fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode) || status.st_nlink > 1)
		return -EINVAL;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return -errno;
	/* A full disk is no reason to do without the lock: a reader finds no pid then. */
	(void)(ftruncate(fd, 0) == 0 && pwrite(fd, text, length, 0) == (ssize_t)length);
	return 0;
}

int file_lock_take(const char *path, const char *text, int *ret_fd)
{
	/* Whatever device may lie in its place, it must neither stop us nor become our terminal. */
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0600);
	int result;

	if (fd < 0)
		return -errno;
	result = claim(fd, text);
	if (result < 0) {
		close(fd);
		return result;
	}
	*ret_fd = fd;
	return 0;
}
