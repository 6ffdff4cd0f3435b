#include "model/weights_shapes.h"

#include <utility>

#include "error.h"
#include "kernels/kernels.h"

namespace sketchrnn {
namespace {

constexpr std::size_t kMaxMixtures = 4096;
constexpr std::size_t kMaxLatent = 4096;

class Shapes {
 public:
  explicit Shapes(std::string what) : what_(std::move(what)) {}

  void check(Weights& weights) const {
    const std::size_t outputs = weights.bo.shape[0];
    const int mixtures = mixtures_of(outputs);
    if (weights.bo.shape.size() != 1 || mixtures < 1 ||
        static_cast<std::size_t>(mixtures) > kMaxMixtures)
      fail_of("bo", "expected shape (3 + 6M) with M from 1 to " + std::to_string(kMaxMixtures) +
                        ", found " + shape_text(weights.bo.shape));
    const std::size_t latent = weights.latent();
    if (latent > kMaxLatent)
      fail_of("z.w", "expected shape (N_z, 2H) with N_z up to " + std::to_string(kMaxLatent) +
                         ", found " + shape_text(weights.z_w.shape));
    check_lstm("", weights, 5 + latent);
    const auto hidden = static_cast<std::size_t>(weights.hidden);
    expect_shape("wo", weights.wo, {hidden, outputs});
    weights.mixtures = mixtures;
    if (latent != 0) {
      check_lstm("fw.", *weights.forward, 5);
      const auto units = static_cast<std::size_t>(weights.forward->hidden);
      expect_shape("bw.wh", weights.backward->wh, {units, 4 * units});
      check_lstm("bw.", *weights.backward, 5);
      expect_shape("mu.w", weights.mu_w, {2 * units, latent});
      expect_shape("mu.b", weights.mu_b, {latent});
      expect_shape("sigma.w", weights.sigma_w, {2 * units, latent});
      expect_shape("sigma.b", weights.sigma_b, {latent});
      expect_shape("z.w", weights.z_w, {latent, 2 * hidden});
      expect_shape("z.b", weights.z_b, {2 * hidden});
    }
    if (weights.objects.empty()) return;
    const std::size_t size = weights.embed.shape.back();
    expect_shape("embed", weights.embed, {weights.objects.size(), size});
    expect_shape("to_b", weights.to_b, {size, 4 * hidden});
    expect_shape("to_bo", weights.to_bo, {size, outputs});
  }

 private:
  [[noreturn]] void fail_of(const std::string& array, const std::string& message) const {
    throw WeightsError(what_ + ": array \"" + array + "\": " + message);
  }

  void expect_shape(const std::string& name, const Tensor& tensor,
                    const std::vector<std::size_t>& shape) const {
    if (tensor.shape != shape)
      fail_of(name, "expected shape " + shape_text(shape) + ", found " + shape_text(tensor.shape));
  }

  void expect_scales(const std::string& name, const Tensor& tensor, std::size_t size) const {
    if (tensor.dtype != DType::f32) fail_of(name, "dtype must be F32");
    expect_shape(name, tensor, {size});
  }

  void check_lstm(const std::string& prefix, Weights& weights, std::size_t inputs) const {
    const std::size_t hidden = weights.wh.shape[0];
    if (weights.wh.shape.size() != 2 || hidden > kMaxHidden)
      fail_of(prefix + "wh", "expected shape (H, 4H) with H up to " + std::to_string(kMaxHidden) +
                                 ", found " + shape_text(weights.wh.shape));
    expect_shape(prefix + "wh", weights.wh, {hidden, 4 * hidden});
    expect_shape(prefix + "wx", weights.wx, {inputs, 4 * hidden});
    expect_shape(prefix + "b", weights.b, {4 * hidden});
    weights.hidden = static_cast<int>(hidden);
    if (weights.wh.dtype == DType::i8)
      expect_scales(prefix + kColumnScale, weights.column_scale, 4 * hidden);
    if (weights.quantised()) expect_scales(prefix + kHiddenScale, weights.h_scale, hidden);
  }

  std::string what_;
};

}  // namespace

std::string shape_text(const std::vector<std::size_t>& shape) {
  std::string out = "(";
  for (std::size_t i = 0; i < shape.size(); ++i) out += (i ? ", " : "") + std::to_string(shape[i]);
  return out + ")";
}

void check_shapes(Weights& weights) { Shapes(weights.what).check(weights); }

}  // namespace sketchrnn
