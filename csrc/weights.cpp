#include "weights.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "error.h"
#include "json.h"
#include "mapped_file.h"

namespace sketchrnn {
namespace {

// Larger nets than anyone has trained, small enough that no product of two sizes can overflow.
constexpr std::size_t kMaxHidden = 65536;
constexpr std::size_t kMaxMixtures = 4096;
constexpr std::size_t kMaxLen = 1u << 24;
// The format allows 100 MB. Ours holds five arrays and a training record; parsed it takes some
// fifty times its size in memory, which a hostile file may not make gigabytes of.
constexpr std::size_t kMaxHeader = std::size_t{1} << 20;

std::string quoted(std::string_view text) {
  constexpr std::size_t longest = 60;
  std::string out = "\"";
  for (const char c : text.substr(0, longest)) out += (c >= 0x20 && c != 0x7F) ? c : '?';
  return out + (text.size() > longest ? "…\"" : "\"");
}

std::string shape_text(const std::vector<std::size_t>& shape) {
  std::string out = "(";
  for (std::size_t i = 0; i < shape.size(); ++i) out += (i ? ", " : "") + std::to_string(shape[i]);
  return out + ")";
}

std::uint64_t little_endian(const unsigned char* p, int bytes) {
  std::uint64_t value = 0;
  for (int i = bytes - 1; i >= 0; --i) value = value << 8 | p[i];
  return value;
}

std::size_t element_size(DType dtype) {
  return dtype == DType::f32 ? 4 : dtype == DType::i8 ? 1 : 2;
}

class Reader {
 public:
  Reader(std::string_view container, std::string what)
      : container_(container), what_(std::move(what)) {}

  std::shared_ptr<Weights> read() {
    const json::Value header = read_header();
    auto weights = std::make_shared<Weights>();
    read_metadata(header, *weights);
    Tensor* const tensors[] = {&weights->wx, &weights->wh, &weights->b, &weights->wo, &weights->bo};
    for (std::size_t i = 0; i < 5; ++i) read_tensor(header, kNames[i], *weights, *tensors[i]);
    const bool bytes = weights->wh.dtype == DType::i8;
    if (bytes) {
      read_tensor(header, kColumnScale, *weights, weights->column_scale);
      if (header.find(kHiddenScale) != nullptr)
        read_tensor(header, kHiddenScale, *weights, weights->h_scale);
    }
    for (const auto& [key, value] : header.members) {
      bool known = key == "__metadata__" || (bytes && (key == kColumnScale || key == kHiddenScale));
      for (const char* name : kNames) known = known || key == name;
      if (!known) fail("unexpected array " + quoted(key));
    }
    check_coverage(weights->quantised() ? 7 : bytes ? 6 : 5);
    check_shapes(*weights);
    for (std::size_t i = 0; i < 5; ++i) check_values(kNames[i], *tensors[i]);
    if (bytes) check_scales(kColumnScale, weights->column_scale, 4 * weights->wh.shape[0]);
    if (weights->quantised()) check_scales(kHiddenScale, weights->h_scale, weights->wh.shape[0]);
    return weights;
  }

 private:
  static constexpr const char* kNames[] = {"wx", "wh", "b", "wo", "bo"};
  static constexpr const char* kColumnScale = "wh.column_scale";
  static constexpr const char* kHiddenScale = "h.scale";

  [[noreturn]] void fail(const std::string& message) const {
    throw WeightsError(what_ + ": " + message);
  }

  const unsigned char* bytes() const {
    return reinterpret_cast<const unsigned char*>(container_.data());
  }

  json::Value read_header() {
    if (container_.size() < 8)
      fail("not a safetensors file: expected at least 8 bytes, found " +
           std::to_string(container_.size()));
    const std::uint64_t length = little_endian(bytes(), 8);
    if (length > kMaxHeader || length > container_.size() - 8)
      fail("not a safetensors file: the header claims " + std::to_string(length) +
           " bytes, the file has " + std::to_string(container_.size() - 8) + " after its length");
    data_start_ = 8 + static_cast<std::size_t>(length);
    json::Value header = json::parse(container_.substr(8, data_start_ - 8), what_ + ": header");
    if (header.kind != json::Value::Kind::object) fail("header: expected an object");
    return header;
  }

  const std::string& entry(const Weights& weights, const std::string& key) const {
    const auto found = weights.metadata.find(key);
    if (found == weights.metadata.end()) fail("metadata: " + quoted(key) + " is missing");
    return found->second;
  }

  void read_metadata(const json::Value& header, Weights& weights) const {
    const json::Value* metadata = header.find("__metadata__");
    if (metadata == nullptr || metadata->kind != json::Value::Kind::object)
      fail("metadata: expected an object \"__metadata__\"");
    for (const auto& [key, value] : metadata->members) {
      if (value.kind != json::Value::Kind::string)
        fail("metadata: " + quoted(key) + " must be a string");
      weights.metadata.emplace(key, value.text);
    }
    if (entry(weights, "format") != "sketchrnn")
      fail("metadata: format must be \"sketchrnn\", found " + quoted(entry(weights, "format")));
    if (entry(weights, "format_version") != "1")
      fail("metadata: format_version must be \"1\", found " +
           quoted(entry(weights, "format_version")));
    weights.name = entry(weights, "name");

    double scale = 0.0;
    const std::string& scale_text = entry(weights, "scale_factor");
    if (!json::to_double(scale_text, scale) || !(scale >= 1e-6 && scale <= 1e6))
      fail("metadata: scale_factor must be a number from 1e-6 to 1e6, found " + quoted(scale_text));
    weights.scale_factor = static_cast<float>(scale);

    std::size_t max_len = 0;
    const std::string& len_text = entry(weights, "max_len");
    if (!json::to_size(len_text, max_len) || max_len < 1 || max_len > kMaxLen)
      fail("metadata: max_len must be an integer from 1 to " + std::to_string(kMaxLen) +
           ", found " + quoted(len_text));
    weights.max_len = static_cast<int>(max_len);

    const std::string& token_text = entry(weights, "start_token");
    const json::Value token = json::parse(token_text, what_ + ": metadata: start_token");
    bool good = token.kind == json::Value::Kind::array && token.items.size() == 5;
    for (std::size_t i = 0; good && i < 5; ++i) {
      double number = 0.0;
      good = token.items[i].kind == json::Value::Kind::number &&
             json::to_double(token.items[i].text, number) && std::fabs(number) <= 1e6;
      weights.start_token[i] = static_cast<float>(number);
    }
    if (!good)
      fail("metadata: start_token must be a list of 5 numbers, found " + quoted(token_text));
  }

  void read_tensor(const json::Value& header, const std::string& name, const Weights& weights,
                   Tensor& tensor) {
    const json::Value* entry_value = header.find(name);
    if (entry_value == nullptr) fail("array " + quoted(name) + " is missing");
    const json::Value* dtype = entry_value->find("dtype");
    const json::Value* shape = entry_value->find("shape");
    const json::Value* offsets = entry_value->find("data_offsets");
    if (entry_value->members.size() != 3 || dtype == nullptr || shape == nullptr ||
        offsets == nullptr)
      fail("array " + quoted(name) + ": expected exactly dtype, shape and data_offsets");

    if (dtype->text == "F32") {
      tensor.dtype = DType::f32;
    } else if (dtype->text == "F16") {
      tensor.dtype = DType::f16;
    } else if (dtype->text == "I16") {
      tensor.dtype = DType::i16;
    } else if (dtype->text == "I8" && name == "wh") {
      tensor.dtype = DType::i8;
    } else {
      fail("array " + quoted(name) + ": dtype must be F32, F16 or I16, found " +
           quoted(dtype->text));
    }
    if (shape->kind != json::Value::Kind::array || shape->items.empty() || shape->items.size() > 2)
      fail("array " + quoted(name) + ": shape must be a list of one or two sizes");
    tensor.count = 1;
    for (const json::Value& item : shape->items) {
      std::size_t size = 0;
      // 8·kMaxHidden bounds every legal size, and two of them multiply without overflow.
      if (item.kind != json::Value::Kind::number || !json::to_size(item.text, size) || size < 1 ||
          size > 8 * kMaxHidden)
        fail("array " + quoted(name) + ": a size in its shape must be an integer from 1 to " +
             std::to_string(8 * kMaxHidden) + ", found " + quoted(item.text));
      tensor.shape.push_back(size);
      tensor.count *= size;
    }
    std::size_t range[2] = {0, 0};
    bool good = offsets->kind == json::Value::Kind::array && offsets->items.size() == 2;
    for (std::size_t i = 0; good && i < 2; ++i)
      good = offsets->items[i].kind == json::Value::Kind::number &&
             json::to_size(offsets->items[i].text, range[i]);
    const std::size_t available = container_.size() - data_start_;
    if (!good || range[0] > range[1] || range[1] > available)
      fail("array " + quoted(name) + ": data_offsets must be two increasing positions up to " +
           std::to_string(available) + ", the bytes that the file holds");
    const std::size_t expected = tensor.count * element_size(tensor.dtype);
    if (range[1] - range[0] != expected)
      fail("array " + quoted(name) + ": shape " + shape_text(tensor.shape) + " needs " +
           std::to_string(expected) + " bytes, data_offsets give " +
           std::to_string(range[1] - range[0]));
    tensor.data = bytes() + data_start_ + range[0];
    ranges_.emplace(range[0], range[1]);

    if (tensor.dtype == DType::i16) {
      const std::string key = name + ".scale";
      const std::string& text = entry(weights, key);
      if (!json::to_double(text, tensor.scale) || !(tensor.scale > 0.0 && tensor.scale <= 1e3))
        fail("metadata: " + quoted(key) + " must be a positive number up to 1000, found " +
             quoted(text));
    }
  }

  // The arrays must tile the data: no gap, no overlap, nothing after the last.
  void check_coverage(std::size_t arrays) const {
    std::size_t at = 0;
    for (const auto& [first, last] : ranges_) {
      if (first != at)
        fail("data: byte " + std::to_string(at) + " expected to start an array, found " +
             std::to_string(first));
      at = last;
    }
    if (ranges_.size() != arrays || at != container_.size() - data_start_)
      fail("data: the arrays take " + std::to_string(at) + " bytes, the file holds " +
           std::to_string(container_.size() - data_start_));
  }

  void expect_shape(const char* name, const Tensor& tensor,
                    const std::vector<std::size_t>& shape) const {
    if (tensor.shape != shape)
      fail("array " + quoted(name) + ": expected shape " + shape_text(shape) + ", found " +
           shape_text(tensor.shape));
  }

  void check_shapes(Weights& weights) const {
    const std::size_t hidden = weights.wh.shape[0];
    if (weights.wh.shape.size() != 2 || hidden > kMaxHidden)
      fail("array \"wh\": expected shape (H, 4H) with H up to " + std::to_string(kMaxHidden) +
           ", found " + shape_text(weights.wh.shape));
    const std::size_t outputs = weights.bo.shape[0];
    if (weights.bo.shape.size() != 1 || outputs < 9 || (outputs - 3) % 6 != 0 ||
        (outputs - 3) / 6 > kMaxMixtures)
      fail("array \"bo\": expected shape (3 + 6M) with M from 1 to " +
           std::to_string(kMaxMixtures) + ", found " + shape_text(weights.bo.shape));
    expect_shape("wh", weights.wh, {hidden, 4 * hidden});
    expect_shape("wx", weights.wx, {5, 4 * hidden});
    expect_shape("b", weights.b, {4 * hidden});
    expect_shape("wo", weights.wo, {hidden, outputs});
    weights.hidden = static_cast<int>(hidden);
    weights.mixtures = static_cast<int>((outputs - 3) / 6);
  }

  void check_scales(const char* name, const Tensor& tensor, std::size_t size) const {
    if (tensor.dtype != DType::f32) fail(std::string("array \"") + name + "\": dtype must be F32");
    expect_shape(name, tensor, {size});
    std::vector<float> values(size);
    tensor.read(0, size, values.data());
    for (std::size_t i = 0; i < size; ++i)
      // 1e6 bounds the exponents that a scale can bring into a gate's sum far below overflow.
      if (!(values[i] > 0.0f && values[i] <= 1e6f))
        fail(std::string("array \"") + name + "\": element " + std::to_string(i) +
             " must be positive and at most 1e6, found " + std::to_string(values[i]));
  }

  void check_values(const char* name, const Tensor& tensor) const {
    // q · scale is finite for every q
    if (tensor.dtype == DType::i16 || tensor.dtype == DType::i8) return;
    constexpr std::size_t chunk = 1024;
    float values[chunk];
    for (std::size_t first = 0; first < tensor.count; first += chunk) {
      const std::size_t n = std::min(chunk, tensor.count - first);
      tensor.read(first, n, values);
      bool finite = true;
      for (std::size_t i = 0; i < n; ++i) finite &= std::fabs(values[i]) <= 3.4028235e38f;
      if (finite) continue;
      for (std::size_t i = 0; i < n; ++i)
        if (!std::isfinite(values[i]))
          fail("array " + quoted(name) + ": element " + std::to_string(first + i) +
               " must be finite, found " + std::to_string(values[i]));
    }
  }

  std::string_view container_;
  std::string what_;
  std::size_t data_start_ = 0;
  std::map<std::size_t, std::size_t> ranges_;
};

}  // namespace

float half_to_float(std::uint16_t half) {
  const std::uint32_t sign = (half & std::uint32_t{0x8000}) << 16;
  const std::uint32_t exponent = half >> 10 & std::uint32_t{0x1F};
  const std::uint32_t mantissa = half & std::uint32_t{0x3FF};
  if (exponent == 0) {
    const float magnitude = static_cast<float>(mantissa) * 0x1p-24f;  // subnormal, exact
    return sign ? -magnitude : magnitude;
  }
  const std::uint32_t bits =
      sign | (exponent == 31 ? 0x7F800000u : (exponent + 112) << 23) | mantissa << 13;
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

void Tensor::read_words(std::size_t first, std::size_t n, std::uint16_t* out) const {
  const unsigned char* p = data + first * 2;
  for (std::size_t i = 0; i < n; ++i)
    out[i] = static_cast<std::uint16_t>(little_endian(p + 2 * i, 2));
}

void Tensor::read_unscaled(std::size_t first, std::size_t n, float* out) const {
  const unsigned char* p = data + first * element_size(dtype);
  switch (dtype) {
    case DType::f32:
      for (std::size_t i = 0; i < n; ++i) {
        const auto bits = static_cast<std::uint32_t>(little_endian(p + 4 * i, 4));
        std::memcpy(out + i, &bits, sizeof bits);
      }
      break;
    case DType::f16:
      for (std::size_t i = 0; i < n; ++i)
        out[i] = half_to_float(static_cast<std::uint16_t>(little_endian(p + 2 * i, 2)));
      break;
    case DType::i16:
      for (std::size_t i = 0; i < n; ++i) {
        const auto q = static_cast<std::int16_t>(little_endian(p + 2 * i, 2));
        out[i] = static_cast<float>(q);
      }
      break;
    case DType::i8:
      for (std::size_t i = 0; i < n; ++i)
        out[i] = static_cast<float>(static_cast<std::int8_t>(p[i]));
      break;
  }
}

std::vector<double> Weights::recurrent_scales() const {
  const auto gates = 4 * static_cast<std::size_t>(hidden);
  if (wh.dtype != DType::i8) return std::vector<double>(gates, wh.scale);
  std::vector<float> scales(gates);
  column_scale.read(0, gates, scales.data());
  return {scales.begin(), scales.end()};
}

void Weights::check_unchanged() const {
  if (file) file->check_unchanged();
}

void Tensor::read(std::size_t first, std::size_t n, float* out) const {
  read_unscaled(first, n, out);
  if (dtype != DType::i16) return;
  for (std::size_t i = 0; i < n; ++i) out[i] = static_cast<float>(out[i] * scale);
}

std::shared_ptr<const Weights> weights_from_memory(std::string_view container,
                                                   std::shared_ptr<const void> owner,
                                                   const std::string& what) {
  std::shared_ptr<Weights> weights = Reader(container, what).read();
  weights->container = container;
  weights->owner = std::move(owner);
  return weights;
}

std::shared_ptr<const Weights> weights_from_file(const std::string& path) {
  const auto file = std::make_shared<const MappedFile>(path);
  const std::shared_ptr<Weights> weights = Reader(file->bytes(), path).read();
  weights->container = file->bytes();
  weights->file = file;
  return weights;
}

}  // namespace sketchrnn
