// Nets of any shape and numbers, drawn with, fed, scored: whatever the instruction set, the number
// of threads and of drawings at once, the same bits or the same error.

#include "model/net.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "../cpp/nets.h"
#include "engine/draw.h"
#include "engine/latent.h"
#include "engine/open.h"
#include "engine/score.h"
#include "engine/stream.h"
#include "error.h"
#include "made_net.h"

namespace {

using namespace sketchrnn;

struct Plan {
  Precision precision;
  double temperature;
  std::optional<double> softmax;
  DrawOptions options;
  std::vector<Row> rows;  // fed, scored, completed
  int helper;             // threads of a stream
};

Plan plan_from(fuzz::Input& input) {
  Plan plan{};
  // Each calibration for i8 draws 64 drawings: seldom, unless the weights are stored so.
  const std::uint8_t precision = input.byte();
  plan.precision = precision < 16 ? Precision::i8 : precision % 2 ? Precision::i16 : Precision::f32;
  plan.temperature = fuzz::any_temperature(input);
  if (input.below(4) == 0) plan.softmax = fuzz::any_temperature(input);
  const std::uint8_t count = input.byte();
  plan.options.count = 1u + (count < 240 ? count % 3u : count % 16u);
  plan.options.seed = input.take<std::uint64_t>();
  plan.options.index = input.byte();
  plan.options.max_len = 1 + input.below(6);
  const std::uint8_t threads = input.byte();
  plan.options.threads = threads < 250 ? 1 : 2 + threads % 2;
  plan.helper = input.byte() < 252 ? 1 : 2;
  plan.options.lanes = static_cast<int>(input.below(4));
  for (std::size_t left = input.below(5); left-- > 0;) {
    const std::uint8_t how = input.byte();
    const auto offset = [&] {
      const float value = how < 200 ? static_cast<float>(static_cast<std::int8_t>(input.byte()))
                                    : input.take<float>();
      return std::isfinite(value) ? value : 0.0f;
    };
    Row row{};
    row.dx = offset();
    row.dy = offset();
    row.pen = how % 2 == 0 ? Pen::down : Pen::up;
    plan.rows.push_back(row);
  }
  return plan;
}

// A NaN has one meaning and many bits, which IEEE 754 leaves to the machine.
template <class T>
void add(std::string& out, const T* values, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) {
    T value = values[i];
    if (value != value) value = static_cast<T>(NAN);
    out.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
}

// What `work` puts out, or the message of what it throws.
template <class Work>
std::string result(Work work) {
  std::string out;
  try {
    work(out);
  } catch (const ArgumentError& error) {
    return std::string("error: ") + error.what();
  } catch (const WeightsError& error) {  // of a calibration
    return std::string("error: ") + error.what();
  }
  return out;
}

// Where drawings start whose latent vectors nobody gives.
Conditions conditions_of(const std::shared_ptr<const Net>& net, const DrawOptions& options) {
  if (net->latent() == 0) return Conditions(net);
  return Conditions(net, Latents{{}, options.seed, options.index});
}

std::string drawn(const std::shared_ptr<const Net>& net, const Plan& plan, DrawOptions options) {
  std::string all = result([&](std::string& out) {
    options.temperature = make_temperature(plan.temperature, plan.softmax);
    const Batch batch = draw(*processor(net), conditions_of(net, options), plan.rows, options, {});
    fuzz::check(batch.count == options.count && batch.offsets[0] == 0, "as many as asked for");
    for (std::size_t i = 0; i < batch.count; ++i) {
      const std::int64_t length = batch.offsets[i + 1] - batch.offsets[i];
      fuzz::check(length > static_cast<std::int64_t>(plan.rows.size()) &&
                      length <= static_cast<std::int64_t>(options.max_len),
                  "a drawing's length");
      const float* const last = batch.rows.get() + 5 * (batch.offsets[i + 1] - 1);
      fuzz::check(last[4] == 1.0f || length == static_cast<std::int64_t>(options.max_len),
                  "a drawing ends with p3 or at max_len");
    }
    const auto total = static_cast<std::size_t>(5 * batch.offsets[batch.count]);
    for (std::size_t i = 0; i < total; ++i)
      fuzz::check(std::isfinite(batch.rows[i]), "a row is finite");
    add(out, batch.rows.get(), total);
  });
  // Which of several threads fails first is chance.
  if (options.threads > 1 && all.substr(0, 6) == "error:") all = "error: in a thread";
  return all;
}

std::string stepped(const std::shared_ptr<const Net>& net, const Plan& plan) {
  return result([&](std::string& out) {
    const Temperature temperature = make_temperature(plan.temperature, plan.softmax);
    Stream stream(net, net->condition(), plan.options.seed, plan.options.index, plan.helper);
    stream.feed(plan.rows.data(), plan.rows.size());
    std::vector<float> z(static_cast<std::size_t>(net->outputs()));
    std::vector<float> h(static_cast<std::size_t>(net->hidden()));
    std::vector<float> c(h.size());
    for (int i = 0; i < 2 && !stream.finished(); ++i) {
      stream.predict(z.data());
      add(out, z.data(), z.size());
      Stream copy(stream);
      const Row row = stream.step(temperature);
      const Row again = copy.step(temperature);
      fuzz::check(std::memcmp(&row, &again, sizeof row) == 0, "a copy draws the same");
    }
    stream.hidden_state(h.data(), c.data());
    for (const float x : h) fuzz::check(!(std::fabs(x) > 1.0f), "|h| is at most 1");
    add(out, h.data(), h.size());
    add(out, c.data(), c.size());
  });
}

std::string scored(const std::shared_ptr<const Net>& net, const Plan& plan, int threads) {
  return result([&](std::string& out) {
    // The rows as one drawing, and each as one of its own: lanes of different lengths.
    std::vector<Row> rows(plan.rows);
    rows.insert(rows.end(), plan.rows.begin(), plan.rows.end());
    std::vector<std::int64_t> offsets = {0};
    for (std::size_t i = plan.rows.size(); i <= rows.size(); ++i)
      offsets.push_back(static_cast<std::int64_t>(i));
    const Drawings drawings{rows.data(), offsets.data(), offsets.size() - 1};
    std::vector<double> offset_nll(rows.size());
    std::vector<double> pen_nll(rows.size());
    const std::shared_ptr<const Device> device = processor(net);
    const Conditions conditions(net);
    score(*device, conditions, drawings, threads, offset_nll.data(), pen_nll.data(), {});
    for (const double nll : pen_nll) fuzz::check(!(nll < 0.0), "a pen state's nll is not negative");
    add(out, offset_nll.data(), offset_nll.size());
    add(out, pen_nll.data(), pen_nll.size());
    const auto outputs = static_cast<std::size_t>(net->outputs());
    std::vector<float> z(rows.size() * outputs);
    device->follow(conditions, drawings, threads,
                   [&](std::int64_t row, const float* one) {
                     std::copy_n(one, outputs, z.data() + static_cast<std::size_t>(row) * outputs);
                   },
                   {});
    add(out, z.data(), z.size());
    if (net->latent() == 0) return;
    std::vector<float> mu(drawings.count * net->latent());
    std::vector<float> sigma(mu.size());
    // Which of several threads fails first is chance.
    encode(*net, drawings, 1, mu.data(), sigma.data(), {});
    for (const float x : sigma) fuzz::check(x >= 0.0f, "a standard deviation is not negative");
    add(out, mu.data(), mu.size());
    add(out, sigma.data(), sigma.size());
  });
}

std::string all_of(const std::shared_ptr<const Weights>& weights, const Kernels& kernels,
                   Plan plan) {
  if (weights->quantised()) plan.precision = Precision::i8;
  std::shared_ptr<const Net> net;
  const std::string made =
      result([&](std::string&) { net = open_net(weights, plan.precision, {}, kernels); });
  if (net == nullptr) return made;
  const std::string batch = drawn(net, plan, plan.options);
  if (batch.substr(0, 6) != "error:") {
    // Drawing k is the same alone.
    DrawOptions alone = plan.options;
    alone.count = 1;
    alone.lanes = 0;
    std::string one_by_one;
    for (std::size_t i = 0; i < plan.options.count; ++i, ++alone.index)
      one_by_one += drawn(net, plan, alone);
    fuzz::check(one_by_one == batch, "together and one by one are the same bits");
  }
  return batch + stepped(net, plan) + scored(net, plan, plan.options.threads);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  const Plan plan = plan_from(input);
  const std::uint8_t other = input.byte();
  const std::string container = fuzz::made_container(input);
  std::shared_ptr<const Weights> weights;
  try {
    weights = weights_from_memory(container, nullptr, "made");
  } catch (const WeightsError&) {
    return 0;
  }
  static const std::vector<const Kernels*> usable = nets::usable();
  // Two of them: all would cost as much for each. The plain one costs most, and comes seldom.
  const std::size_t a = usable.size() > 1 && other >= 64 ? 1 : 0;
  const std::string first = all_of(weights, *usable[a], plan);
  for (std::size_t b = 0; b < usable.size(); ++b) {
    if (b == a || b != other % usable.size()) continue;
    const std::string second = all_of(weights, *usable[b], plan);
    if (first == second) continue;
    const bool errors = first.substr(0, 6) == "error:" || second.substr(0, 6) == "error:";
    std::fprintf(stderr, "\n%s and %s: %s\n%s\n", usable[a]->isa, usable[b]->isa,
                 errors ? first.substr(0, 200).c_str() : "other bits",
                 errors ? second.substr(0, 200).c_str() : "");
    fuzz::check(false, "every instruction set gives the same bits");
  }
  return 0;
}
