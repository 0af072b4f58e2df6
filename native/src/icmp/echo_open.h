/*
 * Opens a raw ICMP socket with the options of the probe, if need be in another network namespace. Not here: its thread.
 */
#ifndef FLANNELD_ECHO_OPEN_H
#define FLANNELD_ECHO_OPEN_H

/* Returns the descriptor, which does not block and is closed on exec, or -errno. */
int echo_open(const char *netns);

#endif
