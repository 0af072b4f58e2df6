/*
 * One state message to the service manager, as sd_notify(3) describes the protocol.
 * Not here: reading the environment, and what to say.
 */
#ifndef FLANNELD_SD_NOTIFY_H
#define FLANNELD_SD_NOTIFY_H

/*
 * Sends `text` ("READY=1") as one datagram to the socket that NOTIFY_SOCKET names: an absolute path, or '@' and an
 * abstract name. Returns 0 or -errno: -EINVAL for another kind of path, -ENAMETOOLONG for one that does not fit.
 */
int sd_notify_send(const char *path, const char *text);

#endif
