#include "mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "error.h"

namespace sketchrnn {

MappedFile::MappedFile(const std::string& path) {
  const auto fail = [&](const char* doing) {
    throw WeightsError(path + ": cannot " + doing + ": " + std::strerror(errno));
  };
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) fail("open");
  struct stat info{};
  if (::fstat(file, &info) != 0) {
    ::close(file);
    fail("read");
  }
  if (!S_ISREG(info.st_mode)) {
    ::close(file);
    throw WeightsError(path + ": not a regular file");
  }
  size_ = static_cast<std::size_t>(info.st_size);
  if (size_ != 0) {
    data_ = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file, 0);
    if (data_ == MAP_FAILED) {
      data_ = nullptr;
      ::close(file);
      fail("map");
    }
  }
  ::close(file);
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(data_, size_);
}

}  // namespace sketchrnn
