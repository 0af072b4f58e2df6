/*
 * Runs a function in another network namespace, for what stays where it was opened: sockets, TUN devices.
 * What is opened there is the caller's business.
 */
#define _GNU_SOURCE /* setns */
#include "in_namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

struct journey {
	const char *netns;
	int (*visit)(void *argument);
	void *argument;
	int result;
};

static void *travel(void *argument)
{
	struct journey *journey = argument;
	int ns = open(journey->netns, O_RDONLY | O_CLOEXEC);

	if (ns < 0 || setns(ns, CLONE_NEWNET) < 0)
		journey->result = -errno;
	else
		journey->result = journey->visit(journey->argument);
	if (ns >= 0)
		close(ns);
	return NULL;
}

/*
 * The thread that enters the namespace is made for it and ends right after, so no thread of the program is ever left
 * in the wrong one.
 */
int in_namespace(const char *netns, int (*visit)(void *argument), void *argument)
{
	struct journey journey = { .netns = netns, .visit = visit, .argument = argument };
	pthread_t thread;
	int result;

	if (netns == NULL)
		return visit(argument);
	result = pthread_create(&thread, NULL, travel, &journey);
	if (result != 0)
		return -result;
	pthread_join(thread, NULL);
	return journey.result;
}
