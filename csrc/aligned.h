// A fixed-size array of floats on a cache-line boundary, zero at birth.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <new>

namespace sketchrnn {

class AlignedFloats {
 public:
  AlignedFloats() = default;
  explicit AlignedFloats(std::size_t size) : data_(allocate(size)), size_(size) {
    if (size != 0) std::memset(data_.get(), 0, size * sizeof(float));
  }
  AlignedFloats(const AlignedFloats& other) : AlignedFloats(other.size_) {
    if (size_ != 0) std::memcpy(data_.get(), other.data_.get(), size_ * sizeof(float));
  }
  AlignedFloats(AlignedFloats&&) noexcept = default;
  AlignedFloats& operator=(AlignedFloats other) noexcept {
    data_.swap(other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~AlignedFloats() = default;

  float* data() { return data_.get(); }
  const float* data() const { return data_.get(); }
  std::size_t size() const { return size_; }
  float& operator[](std::size_t i) { return data_.get()[i]; }
  float operator[](std::size_t i) const { return data_.get()[i]; }

 private:
  static constexpr std::align_val_t kLine{64};
  struct Free {
    void operator()(float* p) const { ::operator delete(p, kLine); }
  };
  static float* allocate(std::size_t size) {
    if (size == 0) return nullptr;
    if (size > static_cast<std::size_t>(-1) / sizeof(float)) throw std::bad_alloc();
    return static_cast<float*>(::operator new(size * sizeof(float), kLine));
  }

  std::unique_ptr<float, Free> data_;
  std::size_t size_ = 0;
};

}  // namespace sketchrnn
