// A weights file: read once into memory of our own, and watched for changes afterwards.
//
// Not mapped: another process that cuts a mapped file short, or writes into it, would end this one
// by a signal, or change numbers that have been checked.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "model/regular_file.h"
#include "progress.h"

namespace sketchrnn {

class WeightsFile {
 public:
  // Opens it and reads at most the first `head` bytes. Throws WeightsError with the system's
  // reason.
  WeightsFile(const std::string& path, std::size_t head);

  // Of the whole file, however much of it has been read.
#if defined(SKETCHRNN_NO_FILES)
  std::size_t size() const { return 0; }
#else
  std::size_t size() const { return file_.size(); }
#endif
  std::string_view head() const { return {data_.get(), head_}; }

  // Everything, the rest being read now. Throws WeightsError if the file is written to meanwhile.
  std::string_view read_all(Pulse& pulse);

  // Throws WeightsError if the file has another size or time of change than when it was opened.
  void check_unchanged() const;

 private:
  void read(std::size_t first, std::size_t last);

  std::string path_;
#if !defined(SKETCHRNN_NO_FILES)
  RegularFile file_;
#endif
  std::size_t head_ = 0;
  std::unique_ptr<char[]> data_;
};

}  // namespace sketchrnn
