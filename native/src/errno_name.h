/* The names of errno values. Not here: their explanation. */
#ifndef FLANNELD_ERRNO_NAME_H
#define FLANNELD_ERRNO_NAME_H

/* "EPERM" for EPERM or -EPERM; "EUNKNOWN" for one that is not in the table. Static text. */
const char *errno_name(int error);

#endif
