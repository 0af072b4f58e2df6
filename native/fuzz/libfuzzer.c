/*
 * What libFuzzer is told beside the target: now and then an example takes the place of what it had.
 */
#include "fuzz.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t most);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed);

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed)
{
	static uint8_t example[FUZZ_LONGEST];
	struct rng rng = rng_from(seed);
	size_t length;

	if (size > 1 && !rng_once_in(&rng, 50))
		return LLVMFuzzerMutate(data, size, most);
	length = fuzz_example(&rng, example);
	if (length > most)
		length = most;
	memcpy(data, example, length);
	return length;
}
