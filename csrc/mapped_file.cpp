#include "mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "error.h"

namespace sketchrnn {

MappedFile::MappedFile(const std::string& path) : path_(path) {
  const auto fail = [&](const char* doing) {
    const int reason = errno;
    if (file_ >= 0) ::close(file_);
    throw WeightsError(path + ": cannot " + doing + ": " + std::strerror(reason));
  };
  // Without O_NONBLOCK, opening a named pipe would wait for someone to write into it.
  file_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file_ < 0) fail("open");
  struct stat info{};
  if (::fstat(file_, &info) != 0) fail("read");
  if (!S_ISREG(info.st_mode)) {
    ::close(file_);
    throw WeightsError(path + ": not a regular file");
  }
  size_ = static_cast<std::size_t>(info.st_size);
  changed_seconds_ = info.st_mtim.tv_sec;
  changed_nanoseconds_ = info.st_mtim.tv_nsec;
  if (size_ == 0) return;
  data_ = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file_, 0);
  if (data_ == MAP_FAILED) fail("map");
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(data_, size_);
  ::close(file_);
}

void MappedFile::check_unchanged() const {
  struct stat info{};
  if (::fstat(file_, &info) == 0 && static_cast<std::size_t>(info.st_size) == size_ &&
      info.st_mtim.tv_sec == changed_seconds_ && info.st_mtim.tv_nsec == changed_nanoseconds_)
    return;
  throw WeightsError(path_ + ": the file has changed since it was loaded");
}

}  // namespace sketchrnn
