#include "model/weights_file.h"

#include "error.h"

#if defined(SKETCHRNN_NO_FILES)

namespace sketchrnn {

WeightsFile::WeightsFile(const std::string& path, std::size_t) {
  throw WeightsError(path + ": this build opens no files; open the net from memory");
}
std::string_view WeightsFile::read_all(Pulse&) { return head(); }
void WeightsFile::check_unchanged() const {}

}  // namespace sketchrnn

#else

#include <algorithm>
#include <cstring>

namespace sketchrnn {

WeightsFile::WeightsFile(const std::string& path, std::size_t head)
    : path_(path), file_(path), head_(std::min(size(), head)), data_(new char[head_]) {
  read(0, head_);
}

std::string_view WeightsFile::read_all(Pulse& pulse) {
  if (head_ < size()) {
    // What has been read stays as it was: it has been checked.
    std::unique_ptr<char[]> all(new char[size()]);
    std::memcpy(all.get(), data_.get(), head_);
    data_ = std::move(all);
    constexpr std::size_t portion = std::size_t{4} << 20;  // some milliseconds
    for (std::size_t first = head_; first < size(); first += portion) {
      read(first, std::min(size(), first + portion));
      pulse.check();
    }
    head_ = size();
  }
  if (!file_.unchanged()) throw WeightsError(path_ + ": the file has changed while it was read");
  return head();
}

void WeightsFile::read(std::size_t first, std::size_t last) {
  while (first < last) {
    const std::size_t n = file_.read(data_.get() + first, last - first, first);
    if (n == 0) throw WeightsError(path_ + ": the file has changed while it was read");
    first += n;
  }
}

void WeightsFile::check_unchanged() const {
  if (!file_.unchanged()) throw WeightsError(path_ + ": the file has changed since it was loaded");
}

}  // namespace sketchrnn

#endif
