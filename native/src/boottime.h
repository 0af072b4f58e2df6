/*
 * The time since boot, suspends included, which JavaScript's clocks do not show.
 * Not here: the wall clock and the monotonic clock, which node has.
 */
#ifndef FLANNELD_BOOTTIME_H
#define FLANNELD_BOOTTIME_H

/* Stores CLOCK_BOOTTIME in milliseconds. Returns 0 or -errno. */
int boottime_read(double *ret_ms);

#endif
