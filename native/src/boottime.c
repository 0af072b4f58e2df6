/*
 * The time since boot, suspends included, which JavaScript's clocks do not show.
 * Not here: the wall clock and the monotonic clock, which node has.
 */
#include "boottime.h"

#include <errno.h>
#include <time.h>

int boottime_read(double *ret_ms)
{
	struct timespec now;

	if (clock_gettime(CLOCK_BOOTTIME, &now) < 0)
		return -errno;
	*ret_ms = (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
	return 0;
}
