// Any bytes as a weights container: refused with WeightsError, or every number in it is finite and
// in its place.

#include <cmath>
#include <string>
#include <vector>

#include "error.h"
#include "input.h"
#include "model/weights.h"

namespace {

using namespace sketchrnn;

void check_tensor(const Weights& weights, const Tensor& tensor) {
  const auto* const begin = reinterpret_cast<const unsigned char*>(weights.container.data());
  const std::size_t element = tensor.dtype == DType::f32 ? 4 : tensor.dtype == DType::i8 ? 1 : 2;
  fuzz::check(tensor.data >= begin + 8 &&
                  tensor.data + tensor.count * element <= begin + weights.container.size(),
              "a tensor lies in its file");
  std::vector<float> values(tensor.count);
  tensor.read(0, tensor.count, values.data());
  for (const float value : values) fuzz::check(std::isfinite(value), "a number is finite");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::shared_ptr<const Weights> weights;
  try {
    weights = weights_from_memory({reinterpret_cast<const char*>(data), size}, nullptr, "fuzz");
  } catch (const WeightsError& error) {
    fuzz::check(std::string_view(error.what()).substr(0, 5) == "fuzz:", "a message names its file");
    return 0;
  }
  const Weights& w = *weights;
  fuzz::check(w.hidden >= 1 && w.mixtures >= 1 && w.max_len >= 1, "sizes are positive");
  fuzz::check(w.scale_factor > 0.0f && std::isfinite(w.scale_factor), "scale_factor is positive");
  for (const float x : w.start_token) fuzz::check(std::isfinite(x), "start_token is finite");
  for (const Tensor* tensor : {&w.wx, &w.wh, &w.b, &w.wo, &w.bo}) check_tensor(w, *tensor);
  if (w.wh.dtype == DType::i8) check_tensor(w, w.column_scale);
  if (w.quantised()) check_tensor(w, w.h_scale);
  if (w.latent() != 0) {
    for (const Tensor* tensor : {&w.mu_w, &w.mu_b, &w.sigma_w, &w.sigma_b, &w.z_w, &w.z_b})
      check_tensor(w, *tensor);
    for (const auto& direction : {w.forward, w.backward}) {
      fuzz::check(direction->hidden == w.forward->hidden, "both directions have as many units");
      fuzz::check(direction->quantised() == w.quantised(), "quantised together");
      for (const Tensor* tensor : {&direction->wx, &direction->wh, &direction->b})
        check_tensor(w, *tensor);
      for (const double scale : direction->recurrent_scales())
        fuzz::check(scale > 0.0 && std::isfinite(scale), "a column's scale is positive");
    }
  }
  const std::size_t gates = 4 * static_cast<std::size_t>(w.hidden);
  fuzz::check(w.recurrent_scales().size() == gates, "a scale for each column");
  for (const double scale : w.recurrent_scales())
    fuzz::check(scale > 0.0 && std::isfinite(scale), "a column's scale is positive");
  return 0;
}
