// Preloaded into a process. While the file RAPT_FULL_WHILE exists, its writes below RAPT_FULL_FOLDER fail as on a disk
// without space.
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static bool is_full(int fd) {
  const char *folder = getenv("RAPT_FULL_FOLDER");
  const char *flag = getenv("RAPT_FULL_WHILE");
  if (!folder || !flag || access(flag, F_OK) != 0) return false;
  char link[64], path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return false;
  path[length] = 0;
  return strncmp(path, folder, strlen(folder)) == 0;
}

#define GUARDED(name, parameters, arguments)                                     \
  extern "C" ssize_t name parameters {                                           \
    static auto next = reinterpret_cast<ssize_t(*) parameters>(dlsym(RTLD_NEXT, #name)); \
    if (is_full(fd)) {                                                           \
      errno = ENOSPC;                                                            \
      return -1;                                                                 \
    }                                                                            \
    return next arguments;                                                       \
  }

GUARDED(write, (int fd, const void *bytes, size_t count), (fd, bytes, count))
GUARDED(pwrite, (int fd, const void *bytes, size_t count, off_t at), (fd, bytes, count, at))
GUARDED(pwrite64, (int fd, const void *bytes, size_t count, off64_t at), (fd, bytes, count, at))
GUARDED(writev, (int fd, const iovec *parts, int count), (fd, parts, count))
GUARDED(pwritev, (int fd, const iovec *parts, int count, off_t at), (fd, parts, count, at))
GUARDED(pwritev64, (int fd, const iovec *parts, int count, off64_t at), (fd, parts, count, at))
