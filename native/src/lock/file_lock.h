/*
 * A file that one process at a time holds, for as long as it lives.
 * Not here: waiting for it, and what it stands for.
 */
#ifndef FLANNELD_FILE_LOCK_H
#define FLANNELD_FILE_LOCK_H

/*
 * Opens the file, which is made when it is absent (mode 0600), locks it without waiting, and writes `text` into it: who
 * has it, for people; whether that succeeds does not matter. Stores the descriptor, which is close-on-exec; the lock is
 * gone with the last copy of it, so when the process ends in whatever way. Returns 0 or -errno: -EAGAIN when another
 * descriptor holds it, also one of this process; -ELOOP for a symbolic link; -EINVAL for what is no plain file, or one
 * that has a second name and may be somebody's.
 */
int file_lock_take(const char *path, const char *text, int *ret_fd);

#endif
