#include "engine/memory_limit.h"

#if defined(SKETCHRNN_NO_FILES)
#elif defined(_WIN32)
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#else
#include <sys/resource.h>
#include <unistd.h>
#endif

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <string>

#include "error.h"

namespace sketchrnn {
namespace {

#if !defined(SKETCHRNN_NO_FILES) && !defined(_WIN32)
// A control group's limit as its file states it; none where there is no such file, or no number in
// it ("max").
double limit_in(const char* path) {
  double limit = std::numeric_limits<double>::infinity();
  if (std::FILE* const file = std::fopen(path, "re")) {
    char text[64] = {};
    const bool read = std::fgets(text, sizeof text, file) != nullptr;
    (void)std::fclose(file);
    const double number = read ? std::strtod(text, nullptr) : 0.0;
    if (number > 0.0) limit = number;
  }
  return limit;
}
#endif

std::string size_text(double bytes) {
  char text[32];
  (void)std::snprintf(text, sizeof text, "%.4g GB", bytes / 1e9);
  return text;
}

}  // namespace

#if defined(SKETCHRNN_NO_FILES)
// No system that could be asked; no object is larger than this.
double memory_limit() { return static_cast<double>(PTRDIFF_MAX); }
#elif defined(_WIN32)
double memory_limit() {
  MEMORYSTATUSEX status{};
  status.dwLength = sizeof status;
  if (GlobalMemoryStatusEx(&status) == 0) return std::numeric_limits<double>::infinity();
  return std::min(static_cast<double>(status.ullTotalPhys),
                  static_cast<double>(status.ullTotalVirtual));
}
#else
double memory_limit() {
  double limit = std::numeric_limits<double>::infinity();
  const long pages = ::sysconf(_SC_PHYS_PAGES);
  const long page = ::sysconf(_SC_PAGESIZE);
  if (pages > 0 && page > 0) limit = static_cast<double>(pages) * static_cast<double>(page);
  struct rlimit address_space{};
  if (::getrlimit(RLIMIT_AS, &address_space) == 0 && address_space.rlim_cur != RLIM_INFINITY)
    limit = std::min(limit, static_cast<double>(address_space.rlim_cur));
  limit = std::min(limit, limit_in("/sys/fs/cgroup/memory.max"));
  return std::min(limit, limit_in("/sys/fs/cgroup/memory/memory.limit_in_bytes"));
}
#endif

void check_memory(const char* what, double bytes) {
  const double limit = memory_limit();
  if (bytes > limit)
    throw MemoryError(std::string(what) + ": the result takes at least " + size_text(bytes) +
                      ", there are " + size_text(limit) + " of memory; ask for it in parts");
}

}  // namespace sketchrnn
