// A whole file as read-only memory.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sketchrnn {

class MappedFile {
 public:
  // Throws WeightsError with the system's reason.
  explicit MappedFile(const std::string& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::string_view bytes() const { return {static_cast<const char*>(data_), size_}; }

  // Throws WeightsError if the file has another size or time of change than when it was mapped.
  void check_unchanged() const;

 private:
  std::string path_;
  int file_ = -1;
  std::int64_t changed_seconds_ = 0;
  std::int64_t changed_nanoseconds_ = 0;
  void* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace sketchrnn
