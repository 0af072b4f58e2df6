/*
 * Runs a function in another network namespace, for what stays where it was opened: sockets, TUN devices.
 * What is opened there is the caller's business.
 */
#ifndef FLANNELD_IN_NAMESPACE_H
#define FLANNELD_IN_NAMESPACE_H

/*
 * Calls visit(argument) in the network namespace with that path and returns what it returned, or -errno when the
 * namespace cannot be entered. With a NULL path it is a plain call. Needs CAP_SYS_ADMIN otherwise.
 */
int in_namespace(const char *netns, int (*visit)(void *argument), void *argument);

#endif
