#include "model/weights.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <set>
#include <utility>

#include "error.h"
#include "model/json.h"
#include "model/weights_file.h"
#include "model/weights_shapes.h"

namespace sketchrnn {
namespace {

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

class Reader {
 public:
  // `head` holds at least the header of a container of `size` bytes, `data()` gives all of it: so
  // that nothing is allocated for, or read from, a file whose header is wrong.
  Reader(std::string_view head, std::size_t size, std::string what)
      : head_(head), size_(size), what_(std::move(what)) {}

  template <class Data>
  std::shared_ptr<Weights> read(Data data, Pulse& pulse) {
    const json::Value header = read_header();
    auto weights = std::make_shared<Weights>();
    weights->what = what_;
    read_metadata(header, *weights);
    read_lstm(header, "", *weights);
    for (const auto& [name, tensor] : kHead) read_tensor(header, name, *weights, *weights.*tensor);
    if (header.find("z.w") != nullptr) read_encoder(header, *weights);
    const bool several = header.find("embed") != nullptr;
    if (several) {
      read_objects(*weights);
      for (const auto& [name, tensor] : kSide)
        read_tensor(header, name, *weights, *weights.*tensor);
      if (weights->latent() != 0) fail("expected either objects or an encoder, found both");
    }
    for (const auto& [key, value] : header.members)
      if (key != "__metadata__" && !read_.count(key)) fail("unexpected array " + quoted(key));
    check_coverage();
    check_shapes(*weights);
    weights->container = data();
    for (const auto& [tensor, first] : places_)
      tensor->data = reinterpret_cast<const unsigned char*>(weights->container.data()) + first;
    for (const auto& [name, tensor] : read_) {
      if (is_scales(name)) check_scales(name, *tensor);
      check_values(name, *tensor, pulse);
    }
    return weights;
  }

 private:
  using Member = Tensor Weights::*;
  static constexpr std::pair<const char*, Member> kLstm[] = {
      {"wx", &Weights::wx}, {"wh", &Weights::wh}, {"b", &Weights::b}};
  static constexpr std::pair<const char*, Member> kHead[] = {{"wo", &Weights::wo},
                                                             {"bo", &Weights::bo}};
  static constexpr std::pair<const char*, Member> kLatent[] = {
      {"mu.w", &Weights::mu_w},       {"mu.b", &Weights::mu_b}, {"sigma.w", &Weights::sigma_w},
      {"sigma.b", &Weights::sigma_b}, {"z.w", &Weights::z_w},   {"z.b", &Weights::z_b}};
  static constexpr std::pair<const char*, Member> kSide[] = {
      {"embed", &Weights::embed}, {"to_b", &Weights::to_b}, {"to_bo", &Weights::to_bo}};

  // An LSTM of its own: the net's, or a direction of its encoder.
  void read_lstm(const json::Value& header, const std::string& prefix, Weights& weights) {
    for (const auto& [name, tensor] : kLstm)
      read_tensor(header, prefix + name, weights, weights.*tensor);
    if (weights.wh.dtype != DType::i8) return;
    read_tensor(header, prefix + kColumnScale, weights, weights.column_scale);
    if (header.find(prefix + kHiddenScale) != nullptr)
      read_tensor(header, prefix + kHiddenScale, weights, weights.h_scale);
  }

  void read_encoder(const json::Value& header, Weights& weights) {
    for (const auto& [name, tensor] : kLatent) read_tensor(header, name, weights, weights.*tensor);
    for (const auto& [prefix, member] :
         {std::pair{"fw.", &Weights::forward}, {"bw.", &Weights::backward}}) {
      const auto direction = std::make_shared<Weights>();
      direction->what = what_;
      direction->name = weights.name;
      direction->scale_factor = weights.scale_factor;
      direction->max_len = weights.max_len;
      direction->metadata = weights.metadata;  // the scales of I16 arrays
      read_lstm(header, prefix, *direction);
      direction->metadata.clear();
      if (direction->quantised() != weights.quantised())
        fail(std::string("array \"") + prefix +
             "h.scale\": expected where there is \"h.scale\", and only there");
      weights.*member = direction;
    }
    const auto found = weights.metadata.find("latent_tanh");
    if (found == weights.metadata.end()) return;
    if (found->second != "true" && found->second != "false")
      fail("metadata: latent_tanh must be \"true\" or \"false\", found " + quoted(found->second));
    weights.latent_tanh = found->second == "true";
  }

  static bool is_scales(const std::string& name) {
    const auto ends_with = [&](const std::string& end) {
      return name.size() >= end.size() &&
             name.compare(name.size() - end.size(), end.size(), end) == 0;
    };
    return ends_with(kColumnScale) || ends_with(kHiddenScale);
  }

  [[noreturn]] void fail(const std::string& message) const {
    throw WeightsError(what_ + ": " + message);
  }

  json::Value read_header() {
    if (size_ < 8)
      fail("not a safetensors file: expected at least 8 bytes, found " + std::to_string(size_));
    const std::uint64_t length =
        little_endian(reinterpret_cast<const unsigned char*>(head_.data()), 8);
    if (length > kMaxHeader && head_[0] == '[')
      fail(
          "not a safetensors file, but JSON, as the public .gen.json nets are: in Python "
          "sketchrnn.load(\"x.gen.json\").save(\"x.safetensors\") converts one without loss");
    if (length > kMaxHeader || length > size_ - 8)
      fail("not a safetensors file: the header claims " + std::to_string(length) +
           " bytes, the file has " + std::to_string(size_ - 8) + " after its length");
    data_start_ = 8 + static_cast<std::size_t>(length);
    json::Value header = json::parse(head_.substr(8, data_start_ - 8), what_ + ": header");
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
    // From what float32 makes of 1e-6: that is what comes back when a net is written out.
    if (!json::to_double(scale_text, scale) || !(scale >= double{1e-6f} && scale <= 1e6))
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

  void read_objects(Weights& weights) const {
    const std::string& text = entry(weights, "objects");
    const json::Value list = json::parse(text, what_ + ": metadata: objects");
    bool good = list.kind == json::Value::Kind::array && !list.items.empty();
    for (const json::Value& item : list.items) {
      good = good && item.kind == json::Value::Kind::string;
      weights.objects.push_back(item.text);
    }
    if (!good) fail("metadata: objects must be a list of names, found " + quoted(text));
    const auto first = weights.metadata.find("default_object");
    weights.name = first != weights.metadata.end() ? first->second : weights.objects.front();
    const auto begin = weights.objects.begin(), end = weights.objects.end();
    const auto found = std::find(begin, end, weights.name);
    if (found == end || std::set<std::string>(begin, end).size() != weights.objects.size())
      fail("metadata: objects must be different names, the default object's among them");
    weights.default_object = static_cast<std::size_t>(found - begin);
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
    } else if (dtype->text == "I8" && (name == "wh" || name == "fw.wh" || name == "bw.wh")) {
      tensor.dtype = DType::i8;
    } else {
      fail("array " + quoted(name) + ": dtype must be F32, F16 or I16, found " +
           quoted(dtype->text));
    }
    if (shape->kind != json::Value::Kind::array || shape->items.empty() || shape->items.size() > 2)
      fail("array " + quoted(name) + ": shape must be a list of one or two sizes");
    std::uint64_t count = 1;  // in 64 bits where a size_t has 32, too
    for (const json::Value& item : shape->items) {
      std::size_t size = 0;
      // 8·kMaxHidden bounds every legal size, and two of them multiply without overflow.
      if (item.kind != json::Value::Kind::number || !json::to_size(item.text, size) || size < 1 ||
          size > 8 * kMaxHidden)
        fail("array " + quoted(name) + ": a size in its shape must be an integer from 1 to " +
             std::to_string(8 * kMaxHidden) + ", found " + quoted(item.text));
      tensor.shape.push_back(size);
      count *= size;
    }
    std::size_t range[2] = {0, 0};
    bool good = offsets->kind == json::Value::Kind::array && offsets->items.size() == 2;
    for (std::size_t i = 0; good && i < 2; ++i)
      good = offsets->items[i].kind == json::Value::Kind::number &&
             json::to_size(offsets->items[i].text, range[i]);
    const std::size_t available = size_ - data_start_;
    if (!good || range[0] > range[1] || range[1] > available)
      fail("array " + quoted(name) + ": data_offsets must be two increasing positions up to " +
           std::to_string(available) + ", the bytes that the file holds");
    const std::uint64_t expected = count * element_size(tensor.dtype);
    if (range[1] - range[0] != expected)
      fail("array " + quoted(name) + ": shape " + shape_text(tensor.shape) + " needs " +
           std::to_string(expected) + " bytes, data_offsets give " +
           std::to_string(range[1] - range[0]));
    tensor.count = static_cast<std::size_t>(count);  // of bytes that are there
    places_.emplace_back(&tensor, data_start_ + range[0]);
    ranges_.emplace(range[0], range[1]);
    read_.emplace(name, &tensor);

    if (tensor.dtype == DType::i16) {
      const std::string key = name + ".scale";
      const std::string& text = entry(weights, key);
      if (!json::to_double(text, tensor.scale) || !(tensor.scale > 0.0 && tensor.scale <= 1e3))
        fail("metadata: " + quoted(key) + " must be a positive number up to 1000, found " +
             quoted(text));
    }
  }

  // The arrays must tile the data: no gap, no overlap, nothing after the last.
  void check_coverage() const {
    std::size_t at = 0;
    for (const auto& [first, last] : ranges_) {
      if (first != at)
        fail("data: byte " + std::to_string(at) + " expected to start an array, found " +
             std::to_string(first));
      at = last;
    }
    if (ranges_.size() != read_.size() || at != size_ - data_start_)
      fail("data: the arrays take " + std::to_string(at) + " bytes, the file holds " +
           std::to_string(size_ - data_start_));
  }

  void check_scales(const std::string& name, const Tensor& tensor) const {
    std::vector<float> values(tensor.count);
    tensor.read(0, values.size(), values.data());
    for (std::size_t i = 0; i < values.size(); ++i)
      if (!(values[i] > 0.0f && values[i] <= kMaxScale))
        fail("array " + quoted(name) + ": element " + std::to_string(i) +
             " must be positive and at most 1e6, found " + std::to_string(values[i]));
  }

  void check_values(const std::string& name, const Tensor& tensor, Pulse& pulse) const {
    // q · scale is finite for every q
    if (tensor.dtype == DType::i16 || tensor.dtype == DType::i8) return;
    constexpr std::size_t chunk = 1024;
    float values[chunk];
    for (std::size_t first = 0; first < tensor.count; first += chunk) {
      const std::size_t n = std::min(chunk, tensor.count - first);
      if (first % (chunk * chunk) == 0) pulse.check();
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

  std::string_view head_;
  std::size_t size_;
  std::string what_;
  std::size_t data_start_ = 0;
  std::vector<std::pair<Tensor*, std::size_t>> places_;  // where in the container each begins
  std::map<std::size_t, std::size_t> ranges_;  // of the data, first and past the last byte
  std::map<std::string, Tensor*> read_;
};

}  // namespace

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

std::shared_ptr<const Weights> weights_from_memory(std::string_view container,
                                                   std::shared_ptr<const void> owner,
                                                   const std::string& what,
                                                   const Progress& progress) {
  Pulse pulse(progress);
  std::shared_ptr<Weights> weights =
      Reader(container, container.size(), what).read([&] { return container; }, pulse);
  weights->owner = std::move(owner);
  return weights;
}

std::shared_ptr<const Weights> weights_from_file(const std::string& path,
                                                 const Progress& progress) {
  Pulse pulse(progress);
  const auto file = std::make_shared<WeightsFile>(path, 8 + kMaxHeader);
  std::shared_ptr<Weights> weights =
      Reader(file->head(), file->size(), path).read([&] { return file->read_all(pulse); }, pulse);
  weights->file = file;
  return weights;
}

}  // namespace sketchrnn
