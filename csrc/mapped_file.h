// A whole file as read-only memory.
#pragma once

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

 private:
  void* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace sketchrnn
