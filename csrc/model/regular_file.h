// A regular file, open for reading, by the means of the system: POSIX or Windows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace sketchrnn {

class RegularFile {
 public:
  // `path` is UTF-8 on Windows, the system's own bytes elsewhere. Throws WeightsError with the
  // system's reason, and for what is no regular file; never waits for one (a pipe).
  explicit RegularFile(const std::string& path);
  ~RegularFile();
  RegularFile(const RegularFile&) = delete;
  RegularFile& operator=(const RegularFile&) = delete;

  // Its size when it was opened.
  std::size_t size() const { return size_; }

  // Reads some bytes from `offset` on, at most `count`; 0 at the end. Throws WeightsError.
  std::size_t read(char* to, std::size_t count, std::size_t offset) const;

  // Whether size and time of change are what they were when it was opened.
  bool unchanged() const;

 private:
  std::string path_;
#if defined(_WIN32)
  void* handle_ = nullptr;
#else
  int descriptor_ = -1;
#endif
  std::size_t size_ = 0;
  std::int64_t changed_ = 0;  // in the system's smallest unit, since its own beginning
};

}  // namespace sketchrnn
