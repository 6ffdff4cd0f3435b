// What a net consists of, as NumPy arrays.

#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bindings/net.h"
#include "engine/open.h"
#include "model/panels.h"
#include "model/precision.h"

namespace sketchrnn::bindings {
namespace {

FloatArray array_from(const Tensor& tensor) {
  FloatArray array(std::vector<Index>(tensor.shape.begin(), tensor.shape.end()));
  tensor.read(0, tensor.count, array.mutable_data());
  return array;
}

// wh as what its integers stand for.
FloatArray recurrent_from(const Weights& w) {
  FloatArray array = array_from(w.wh);
  if (w.wh.dtype != DType::i8) return array;
  const std::vector<double> columns = w.recurrent_scales();
  std::vector<float> rows(static_cast<std::size_t>(w.hidden), 1.0f);
  if (w.quantised()) w.h_scale.read(0, rows.size(), rows.data());
  float* wh = array.mutable_data();
  for (const float row : rows)
    for (const double column : columns) {
      *wh = static_cast<float>(*wh * column * row);
      ++wh;
    }
  return array;
}

}  // namespace

std::shared_ptr<const Weights> weights_from_bytes(const py::bytes& container,
                                                  const std::string& what) {
  char* data = nullptr;
  Index size = 0;
  if (PyBytes_AsStringAndSize(container.ptr(), &data, &size) != 0) throw py::error_already_set();
  // Whoever drops the last reference may not hold the GIL.
  std::shared_ptr<const void> owner(new py::bytes(container), [](py::bytes* p) {
    const py::gil_scoped_acquire gil;
    delete p;
  });
  Unlocked unlocked;
  return weights_from_memory({data, static_cast<std::size_t>(size)}, owner, what,
                             unlocked.progress());
}

py::dict arrays_of(const PlacedNet& placed, std::optional<std::size_t> object) {
  const Weights& w = placed.net().weights();
  w.check_unchanged();
  py::dict out;
  const auto put_lstm = [&](const std::string& prefix, const Weights& one) {
    out[py::str(prefix + "wx")] = array_from(one.wx);
    out[py::str(prefix + "wh")] = recurrent_from(one);
    out[py::str(prefix + "b")] = array_from(one.b);
  };
  put_lstm("", w);
  out["wo"] = array_from(w.wo);
  out["bo"] = array_from(w.bo);
  if (w.latent() != 0) {
    put_lstm("fw.", *w.forward);
    put_lstm("bw.", *w.backward);
    for (const auto& [name, tensor] : {std::pair{"mu.w", &w.mu_w},
                                       {"mu.b", &w.mu_b},
                                       {"sigma.w", &w.sigma_w},
                                       {"sigma.b", &w.sigma_b},
                                       {"z.w", &w.z_w},
                                       {"z.b", &w.z_b}})
      out[name] = array_from(*tensor);
    return out;
  }
  const Biases biases = placed.net().biases(object.value_or(w.default_object));
  std::copy(biases.gates.begin(), biases.gates.end(),
            py::cast<FloatArray>(out["b"]).mutable_data());
  std::copy(biases.head.begin(), biases.head.end(), py::cast<FloatArray>(out["bo"]).mutable_data());
  return out;
}

py::dict calibrated_arrays(const py::bytes& container, const std::string& what) {
  const std::shared_ptr<const Weights> weights = weights_from_bytes(container, what);
  Calibrated found;
  {
    Unlocked unlocked;
    const Progress progress = unlocked.progress();
    found = calibrated(open_net(weights, Precision::f32, progress), progress);
  }
  py::dict out;
  const auto put = [&](const std::string& prefix, const QuantisedRecurrent& one) {
    const auto hidden = static_cast<Index>(one.h_scale.size());
    if (hidden == 0) return;
    py::array_t<std::int8_t> q({hidden, 4 * hidden});
    FloatArray columns(4 * hidden);
    FloatArray rows(hidden);
    std::copy(one.q.begin(), one.q.end(), q.mutable_data());
    std::copy(one.column_scale.begin(), one.column_scale.end(), columns.mutable_data());
    std::copy(one.h_scale.begin(), one.h_scale.end(), rows.mutable_data());
    out[py::str(prefix + "wh")] = q;
    out[py::str(prefix + "wh.column_scale")] = columns;
    out[py::str(prefix + "h.scale")] = rows;
  };
  put("", found.net);
  put("fw.", found.forward);
  put("bw.", found.backward);
  return out;
}

py::dict units_of(const PlacedNet& placed, const Objects& objects, const LatentArray& z) {
  const Net& net = placed.net();
  if (net.precision() != Precision::i8)
    throw ArgumentError("precision: expected a net loaded with \"i8\"");
  const ConditionPtr condition = conditions_from(placed, objects, z).at(0);
  const Panels panels(net);
  const Packed& packed = panels.packed();
  const Index hidden = net.hidden();
  const Index outputs = net.outputs();
  constexpr Index gates = kGates;
  constexpr Index pens = kPenStates;
  py::array_t<std::int8_t> weights({hidden, gates, hidden});
  FloatArray scale({hidden, gates});
  FloatArray offsets({static_cast<Index>(kOffsetRows), hidden, gates});
  FloatArray bias({pens, hidden, gates});
  auto w = weights.mutable_unchecked<3>();
  auto s = scale.mutable_unchecked<2>();
  auto x = offsets.mutable_unchecked<3>();
  auto b = bias.mutable_unchecked<3>();
  for (Index unit = 0; unit < hidden; ++unit)
    for (Index gate = 0; gate < gates; ++gate) {
      const auto u = static_cast<std::size_t>(unit);
      const auto g = static_cast<std::size_t>(gate);
      for (Index k = 0; k < hidden; ++k)
        w(unit, gate, k) =
            static_cast<std::int8_t>(panels.byte(static_cast<std::size_t>(k), g, u, 0));
      s(unit, gate) = panels.at(packed.scale, 1, 0, g, u);
      for (std::size_t row = 0; row < kOffsetRows; ++row)
        x(static_cast<Index>(row), unit, gate) = panels.at(packed.offsets, kOffsetRows, row, g, u);
      for (std::size_t pen = 0; pen < kPenStates; ++pen)
        b(static_cast<Index>(pen), unit, gate) =
            panels.at(condition->bias.data(), kBiasRows, pen, g, u);
    }
  FloatArray head({outputs, hidden});
  for (Index row = 0; row < outputs; ++row)
    std::copy_n(packed.head + static_cast<std::size_t>(row) * packed.head_stride, hidden,
                head.mutable_data(row));
  const auto floats = [&](const float* from) {
    FloatArray out(hidden);
    std::copy_n(from, hidden, out.mutable_data());
    return out;
  };
  py::array_t<double> head_bias(outputs);
  std::copy_n(condition->head_bias.data(), outputs, head_bias.mutable_data());
  py::dict out;
  out["weights"] = weights;
  out["scale"] = scale;
  out["offsets"] = offsets;
  out["bias"] = bias;
  out["h_scale"] = floats(packed.h_scale);
  out["h"] = floats(condition->h.data());
  out["c"] = floats(condition->c.data());
  out["head"] = head;
  out["head_bias"] = head_bias;
  out["head_scale"] = packed.head_scale;
  return out;
}

}  // namespace sketchrnn::bindings
