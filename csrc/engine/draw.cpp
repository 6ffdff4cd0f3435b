#include "engine/draw.h"

#include <cstdint>
#include <limits>
#include <string>
#include <utility>

#include "engine/memory_limit.h"
#include "engine/stream.h"
#include "engine/workers.h"
#include "error.h"

namespace sketchrnn {
namespace {

// What a device is asked for: options without open questions, states behind the given rows.
struct Request {
  Request(const Device& device, const Conditions& given, const std::vector<Row>& prefix,
          const DrawOptions& wanted, const Progress& progress)
      : conditions(given), options(wanted) {
    const std::size_t rows = prefix.size();
    const auto own_limit = static_cast<std::size_t>(device.net()->weights().max_len);
    if (options.max_len == 0) options.max_len = rows < own_limit ? own_limit : 2 * rows;
    if (options.threads == 0) options.threads = options.count == 1 ? 1 : processors();
    conditions.check_count(options.count);
    // So that no size computed from it can wrap around.
    if (std::uint64_t{options.count} > std::uint64_t{1} << 40)
      throw ArgumentError("n: expected at most 2^40, found " + std::to_string(options.count));
    check_memory("n", least_bytes(options.count));
    if (rows != 0 && prefix.back().pen == Pen::end)
      throw ArgumentError("the drawing to continue has already ended (p3)");
    if (options.max_len <= rows)
      throw ArgumentError("max_len: expected more than the " + std::to_string(rows) +
                          " rows given, found " + std::to_string(options.max_len));
    if (options.max_len > std::numeric_limits<std::uint32_t>::max())
      throw ArgumentError("max_len: expected at most 2^32 - 1, found " +
                          std::to_string(options.max_len));
    if (rows == 0) return;
    // Perhaps called by workers, when this constructor has returned: what it refers to is draw()'s.
    conditions = given.replaced(
        options.count,
        [net = device.net(), &prefix](const ConditionPtr& condition, const Progress& go_on) {
          Stream stream(net, condition, 0, 0);
          stream.feed(prefix.data(), prefix.size(), go_on);
          return stream.here();
        },
        progress);
  }

  Conditions conditions;
  DrawOptions options;
};

}  // namespace

Batch draw(const Device& device, const Conditions& conditions, const std::vector<Row>& prefix,
           const DrawOptions& options, const Progress& progress) {
  const Request request(device, conditions, prefix, options, progress);
  return device.draw(request.conditions, prefix, request.options, progress);
}

std::shared_ptr<const DeviceBatch> draw_there(const Device& device, const Conditions& conditions,
                                              const std::vector<Row>& prefix,
                                              const DrawOptions& options,
                                              const Progress& progress) {
  const Request request(device, conditions, prefix, options, progress);
  return device.draw_there(request.conditions, prefix, request.options, progress);
}

std::shared_ptr<const DeviceBatch> Device::draw_there(const Conditions&, const std::vector<Row>&,
                                                      const DrawOptions&, const Progress&) const {
  throw DeviceError(
      "this net is on the processor, which has no memory of its own to leave drawings in");
}

}  // namespace sketchrnn
