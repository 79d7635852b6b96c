/* motd.h: the message of the day. */
#ifndef MOTD_H
#define MOTD_H

/* Reads a file as text, which the caller frees; *text is NULL when there is no
 * path. 0 or a negative error. */
int motd_read(const char *path, char **text);

#endif
