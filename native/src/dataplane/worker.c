/*
 * The loop of a thread. It never allocates, takes no lock, and calls nothing of JavaScript but the last farewell.
 */
#define _GNU_SOURCE /* ppoll, pthread_setname_np */
#include "worker.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>

/*
 * Takes the current generation under protection. It is read again once it stands in `using`: between the two the
 * engine may have replaced it, looked for users, and found none.
 */
static struct generation *enter(struct worker *worker)
{
	struct generation *generation;

	do {
		generation = atomic_load(&worker->crew->current);
		atomic_store(&worker->using, generation);
	} while (atomic_load(&worker->crew->current) != generation);
	return generation;
}

static void leave(struct worker *worker)
{
	atomic_store_explicit(&worker->using, NULL, memory_order_release);
}

/* Carries a batch of each direction. Returns whether there was anything. */
static bool carry(struct worker *worker)
{
	struct generation *generation = enter(worker);
	unsigned carried = 0;

	if (worker->encapsulates)
		carried += encapsulate(&worker->encapsulator, generation);
	if (worker->decapsulates && worker->lane.error == 0)
		carried += decapsulate(&worker->decapsulator, generation);
	leave(worker);
	return carried > 0;
}

static void wait_for_packets(struct worker *worker)
{
	struct pollfd fds[3] = {
		{ .fd = worker->crew->wake, .events = POLLIN },
		{ .fd = worker->encapsulates ? worker->lane.tun_fd : -1, .events = POLLIN },
		{ .fd = worker->decapsulates ? worker->lane.receive_fd : -1, .events = POLLIN },
	};

	if (ppoll(fds, 3, NULL, NULL) < 0 && errno != EINTR)
		lane_fail(&worker->lane, -errno, "wait for packets");
	/* A device that was deleted is readable only as an error; reading would say the same a moment later. */
	if ((fds[1].revents & (POLLERR | POLLNVAL)) != 0)
		lane_fail(&worker->lane, -EBADFD, "wait for packets of the TUN device");
	if ((fds[2].revents & POLLNVAL) != 0)
		lane_fail(&worker->lane, -EBADF, "wait for packets of the UDP socket");
}

static bool goes_on(const struct worker *worker)
{
	return worker->lane.error == 0 && !atomic_load_explicit(&worker->crew->stopping, memory_order_relaxed);
}

/*
 * After traffic the next packet is likely near: look for it a little before sleeping, since a wake-up costs more than
 * the packet. Others that could run do so in between. Without traffic there is nothing of this.
 */
static bool look_for_more(struct worker *worker)
{
	uint64_t until;

	if (worker->crew->options.spin_ns == 0)
		return false;
	until = lane_now() + worker->crew->options.spin_ns;
	while (goes_on(worker) && lane_now() < until) {
		if (carry(worker))
			return true;
		sched_yield();
	}
	return false;
}

/*
 * Packets go before processes, as they do in the kernel: between many busy processes a thread of usual weight would
 * wait its turn, tens of milliseconds, for every packet. Without CAP_SYS_NICE it has to.
 */
#define NICE (-10)

static void *run(void *argument)
{
	struct worker *worker = argument;
	bool busy = false;

	/* Of this thread alone (setpriority(2), "C library/kernel differences"). */
	(void)setpriority(PRIO_PROCESS, 0, NICE);

	while (goes_on(worker)) {
		if (carry(worker) || (busy && look_for_more(worker))) {
			busy = true;
			continue;
		}
		busy = false;
		if (goes_on(worker))
			wait_for_packets(worker);
	}
	/* A device that is gone fails all threads, and one of them tells. */
	if (worker->lane.error != 0 && !atomic_exchange(&worker->crew->failed, true))
		worker->crew->callbacks.failed(worker->crew->callbacks.context, worker->lane.error, worker->lane.error_place);
	return NULL;
}

/* No signal is ours, but those that say this thread itself went wrong: they must end in a core dump. */
static int start_thread(struct worker *worker)
{
	sigset_t blocked, before;
	int result;

	sigfillset(&blocked);
	sigdelset(&blocked, SIGSEGV);
	sigdelset(&blocked, SIGBUS);
	sigdelset(&blocked, SIGILL);
	sigdelset(&blocked, SIGFPE);
	sigdelset(&blocked, SIGABRT);
	pthread_sigmask(SIG_SETMASK, &blocked, &before);
	result = -pthread_create(&worker->thread, NULL, run, worker);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return result;
}

static void name_thread(const struct worker *worker, uint32_t number)
{
	/* At most 15 characters, shown by ps and perf; there are at most 32 workers. */
	char name[] = "flannel-udp-00";

	name[12] = (char)('0' + number / 10);
	name[13] = (char)('0' + number % 10);
	(void)pthread_setname_np(worker->thread, name);
}

static void worker_free(struct worker *worker)
{
	encapsulator_destroy(&worker->encapsulator);
	decapsulator_destroy(&worker->decapsulator);
	free(worker);
}

int worker_start(struct worker **ret, struct crew *crew, const struct duty *duty)
{
	struct worker *worker = aligned_alloc(_Alignof(struct worker), (sizeof(*worker) + 63) & ~(size_t)63);
	int result = 0;

	if (worker == NULL)
		return -ENOMEM;
	memset(worker, 0, sizeof(*worker));
	worker->crew = crew;
	worker->encapsulates = duty->encapsulates;
	worker->decapsulates = duty->decapsulates;
	worker->lane.options = &crew->options;
	worker->lane.checksum = crew->checksum;
	worker->lane.features = &crew->features;
	worker->lane.stopping = &crew->stopping;
	worker->lane.worker = duty->number;
	worker->lane.tun_fd = duty->tun_fd;
	worker->lane.receive_fd = duty->receive_fd;
	worker->lane.send_fd = duty->send_fd;
	worker->lane.icmp_v4_fd = crew->icmp_v4_fd;
	worker->lane.icmp_v6_fd = crew->icmp_v6_fd;
	if (duty->encapsulates)
		result = encapsulator_init(&worker->encapsulator, &worker->lane);
	if (duty->decapsulates && result == 0)
		result = decapsulator_init(&worker->decapsulator, &worker->lane);
	if (result == 0)
		result = start_thread(worker);
	if (result < 0) {
		worker_free(worker);
		return result;
	}
	name_thread(worker, duty->number);
	*ret = worker;
	return 0;
}

void worker_join(struct worker *worker)
{
	pthread_join(worker->thread, NULL);
	worker_free(worker);
}
