/*
 * Runs a fuzz target without libFuzzer: examples, mutated by a seeded generator, for a time. Knows nothing of coverage.
 * An input that ends in an abort is left in a file. Usage: target [seconds] [seed] [folder], or target -r file...
 */
#include "fuzz.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

/* Inputs that came from one another stay in a small pool. */
#define POOL 64

static struct { uint8_t data[FUZZ_LONGEST]; size_t length; } pool[POOL], now;
static char crash_file[4096];

/* Of the signal that ends us: what was being tried goes into a file, by calls that may be made here. */
static void on_abort(int number)
{
	int fd = open(crash_file, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	if (fd >= 0) {
		(void)!write(fd, now.data, now.length);
		close(fd);
	}
	signal(number, SIG_DFL);
	raise(number);
}

static const uint8_t telling[] = { 0, 1, 4, 5, 6, 7, 8, 16, 17, 20, 28, 40, 44, 58, 60, 63, 64, 68, 127, 128, 129, 0xf0, 0xfe, 0xff };

static void mutate_once(struct rng *rng)
{
	uint32_t length = (uint32_t)now.length, at = length == 0 ? 0 : rng_below(rng, length < 80 || rng_once_in(rng, 2) ? length : 80);
	uint32_t size = length == 0 ? 0 : 1 + rng_below(rng, length - at > 32 ? 32 : length - at);

	switch (length == 0 ? 4 : rng_below(rng, 7)) {
	case 0:
		now.data[at] ^= (uint8_t)(1u << rng_below(rng, 8));
		break;
	case 1:
		now.data[at] = telling[rng_below(rng, sizeof(telling))];
		break;
	case 2:
		rng_fill(rng, now.data + at, size);
		break;
	case 3:			/* cut something out */
		memmove(now.data + at, now.data + at + size, length - at - size);
		now.length -= size;
		break;
	case 4:			/* put something in */
		size = 1 + rng_below(rng, 16);
		if (length + size > FUZZ_LONGEST)
			break;
		memmove(now.data + at + size, now.data + at, length - at);
		rng_fill(rng, now.data + at, size);
		now.length += size;
		break;
	case 5:
		now.length = at;
		break;
	default: {		/* a piece of another */
		uint32_t other = rng_below(rng, POOL), from;

		if (pool[other].length == 0)
			break;
		from = rng_below(rng, (uint32_t)pool[other].length);
		if (size > pool[other].length - from)
			size = (uint32_t)pool[other].length - from;
		memcpy(now.data + at, pool[other].data + from, size);
	}
	}
}

/* One file, as it was left. */
static int repeat(const char *file)
{
	FILE *stream = fopen(file, "rb");

	if (stream == NULL) {
		perror(file);
		return 1;
	}
	now.length = fread(now.data, 1, sizeof(now.data), stream);
	fclose(stream);
	(void)LLVMFuzzerTestOneInput(now.data, now.length);
	printf("%s: passes\n", file);
	return 0;
}

static double clock_now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void run(struct rng *rng, double seconds)
{
	double until = clock_now() + seconds;
	unsigned long runs = 0;

	for (int i = 0; i < POOL; i++)
		pool[i].length = fuzz_example(rng, pool[i].data);
	while (runs % 64 != 0 || clock_now() < until) {
		uint32_t from = rng_below(rng, POOL);

		now.length = pool[from].length;
		memcpy(now.data, pool[from].data, now.length);
		if (runs >= POOL)
			for (uint32_t i = rng_below(rng, 8); i > 0; i--)
				mutate_once(rng);
		(void)LLVMFuzzerTestOneInput(now.data, now.length);
		runs++;
		if (rng_once_in(rng, 16)) {
			from = rng_below(rng, POOL);
			if (rng_once_in(rng, 4))
				pool[from].length = fuzz_example(rng, pool[from].data);
			else
				memcpy(&pool[from], &now, sizeof(now));
		}
	}
	printf("%lu inputs\n", runs);
}

int main(int argc, char **argv)
{
	struct rng rng;
	int failed = 0;

	if (argc > 2 && strcmp(argv[1], "-r") == 0) {
		for (int i = 2; i < argc; i++)
			failed |= repeat(argv[i]);
		return failed;
	}
	/* The seed is the second argument. */
	rng = rng_of_arguments(argc - (argc > 1), argv + (argc > 1));
	snprintf(crash_file, sizeof(crash_file), "%s/crash-%08x", argc > 3 ? argv[3] : ".", (unsigned)(rng_next(&rng) >> 32));
	signal(SIGABRT, on_abort);
	run(&rng, argc > 1 ? atof(argv[1]) : 1);
	return 0;
}
