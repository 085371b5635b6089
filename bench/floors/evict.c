/*
 * Drops files from the page cache: writes back what is dirty, then fadvise(DONTNEED). Needs no rights over
 * the machine's cache as a whole, and spares what others have in it.
 *
 *   evict FILE...
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "frames.h"

int main(int count, char **arguments) {
  for (int i = 1; i < count; i++) {
    int fd = open(arguments[i], O_RDONLY);
    if (fd < 0) die("%s: %s", arguments[i], strerror(errno));
    fdatasync(fd);
    int error = posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    if (error != 0) die("%s: %s", arguments[i], strerror(error));
    close(fd);
  }
  return 0;
}
