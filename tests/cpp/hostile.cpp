// What a system brings, which a build without threads and files lacks, and what a hostile or unlucky
// one does to the core: files that change while they are read, threads that end in the middle of the
// work, weights that no 8 bits can hold.

#include <fcntl.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "check.h"
#include "engine/memory_limit.h"
#include "error.h"
#include "nets.h"

namespace {

using namespace sketchrnn;

// Sets every weight of wh's first column: it begins behind wx, row by row.
std::string with_first_column(const nets::Spec& spec, float value) {
  std::string bytes = nets::container(spec);
  const auto h = static_cast<std::size_t>(spec.hidden);
  std::size_t header = 0;
  for (int i = 7; i >= 0; --i) header = header << 8 | static_cast<unsigned char>(bytes[i]);
  for (std::size_t k = 0; k < h; ++k)
    std::memcpy(&bytes[8 + header + 4 * (20 * h + 4 * h * k)], &value, 4);
  return bytes;
}

TEST(columns_that_8_bits_cannot_hold) {
  const nets::Spec spec{8, 1, 3};
  for (const float tiny : {1e-45f, 1e-43f, 1e-40f, 1e-38f}) {
    const QuantisedRecurrent found =
        calibrated(open_net(nets::weights(with_first_column(spec, tiny)))).net;
    for (const double scale : found.column_scale) CHECK(scale > 0.0 && scale <= kMaxScale);
    for (const std::int16_t q : found.q) CHECK(q >= -127 && q <= 127);
  }
  CHECK_THROWS(open_net(nets::weights(with_first_column(spec, 1e30f)), Precision::i8), WeightsError,
               "\"wh\": column 0");
}

TEST(own_drawings_that_overflow) {
  // The head's last array is bo, whose last number but two is log σx.
  std::string bytes = nets::container({8, 1, 3});
  const float large = 1e30f;
  for (int back = 2; back <= 6; ++back)
    std::memcpy(&bytes[bytes.size() - 4 * static_cast<std::size_t>(back)], &large, 4);
  CHECK_THROWS(open_net(nets::weights(bytes), Precision::i8), WeightsError, "made: precision i8");
}

class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& contents) : path_("sketchrnn-test-XXXXXX") {
    const int file = ::mkstemp(path_.data());
    if (file < 0) throw std::runtime_error("no temporary file");
    ::close(file);
    std::ofstream(path_, std::ios::binary) << contents;
  }
  ~TemporaryFile() { std::remove(path_.c_str()); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

TEST(files) {
  CHECK_THROWS(weights_from_file("no/such/file"), WeightsError, "cannot open");
  CHECK_THROWS(weights_from_file("."), WeightsError, "not a regular file");
  CHECK_THROWS(weights_from_file("/dev/null"), WeightsError, "not a regular file");
  const TemporaryFile empty("");
  CHECK_THROWS(weights_from_file(empty.path()), WeightsError, "at least 8 bytes");
  const TemporaryFile file(nets::container({64, 5, 2}));
  const auto w = weights_from_file(file.path());
  CHECK_EQ(w->hidden, 64);
  w->check_unchanged();
  CHECK_EQ(::truncate(file.path().c_str(), 100), 0);
  CHECK_THROWS(w->check_unchanged(), WeightsError, "changed");
}

TEST(file_rewritten_while_it_is_read) {
  const std::string good = nets::container({256, 5, 2});
  std::string path = "sketchrnn-test-XXXXXX";
  const int file = ::mkstemp(path.data());
  CHECK(file >= 0);
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    while (!stop) {
      (void)!::ftruncate(file, 4096);
      (void)!::pwrite(file, good.data(), good.size(), 0);
    }
  });
  int refused = 0;
  for (int round = 0; round < 400; ++round) {
    try {
      const auto loaded = weights_from_file(path);
      CHECK_EQ(loaded->hidden, 256);
    } catch (const WeightsError&) {
      ++refused;
    }
  }
  stop = true;
  writer.join();
  CHECK(refused > 0);
  ::close(file);
  std::remove(path.c_str());
}

// Tests that some build cannot run say so: ctest knows them all by their names in this file.
#if defined(__GLIBC__) && !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)
#define SKETCHRNN_THREADS_MAY_EXIT
// pthread_exit in a progress function unwinds through the core: helpers are joined, nothing aborts.
void* draw_and_exit(void* net) {
  DrawOptions options;
  options.count = std::size_t{1} << 24;
  options.temperature = make_temperature(0.7);
  options.max_len = 40;
  options.threads = 3;
  nets::draw(*static_cast<std::shared_ptr<const Net>*>(net), options,
             [](std::size_t) -> bool { ::pthread_exit(nullptr); });
  return net;
}
#endif

TEST(thread_that_ends_while_it_draws) {
#if defined(SKETCHRNN_THREADS_MAY_EXIT)
  std::shared_ptr<const Net> net = nets::net({48, 3, 2}, *nets::usable().back());
  ::pthread_t thread{};
  CHECK_EQ(::pthread_create(&thread, nullptr, draw_and_exit, &net), 0);
  void* result = &net;
  CHECK_EQ(::pthread_join(thread, &result), 0);
  CHECK(result == nullptr);
  CHECK_EQ(net.use_count(), 1L);  // every stack was unwound
#else
  std::puts("skipped: no glibc, or a sanitizer, which cannot follow pthread_exit");
#endif
}

TEST(fork_leaves_the_helper_behind) {
#if defined(__SANITIZE_THREAD__)
  std::puts("skipped: ThreadSanitizer cannot follow threads in a fork");
#else
  const auto net = nets::net({200, 3, 2}, *nets::usable().back());
  Stream stream = nets::stream(net, 1, 0, 2);
  const Row row{1.0f, 2.0f, Pen::down};
  stream.feed(&row, 1);
  const int child = ::fork();
  if (child == 0) {
    ::alarm(20);  // ends a child that waits for ever
    stream.feed(&row, 1);
    Stream copy(stream);
    copy.feed(&row, 1);
    ::_exit(copy.position() == 3 ? 0 : 1);
  }
  int status = -1;
  CHECK_EQ(::waitpid(child, &status, 0), child);
  CHECK_EQ(status, 0);
#endif
}

TEST(two_callers_share_one_net) {
  const auto net = nets::net({48, 3, 2}, *nets::usable().back());
  DrawOptions options;
  options.count = 40;
  options.temperature = make_temperature(0.7);
  options.seed = 11;
  options.max_len = 40;
  options.threads = 1;
  const auto hash = [&](const DrawOptions& given) {
    const Batch batch = nets::draw(net, given);
    return nets::hash(batch.rows.get(),
                      5 * static_cast<std::size_t>(batch.offsets[batch.count]) * sizeof(float));
  };
  const std::uint64_t expected = hash(options);
  options.threads = 2;
  std::atomic<int> good{0};
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i) callers.emplace_back([&] { good += hash(options) == expected; });
  for (std::thread& caller : callers) caller.join();
  CHECK_EQ(good.load(), 4);
}

TEST(results_beyond_memory) {
  CHECK(memory_limit() > 1e6);
  check_memory("n", 1e6);
  CHECK_THROWS(check_memory("n", 1e18), MemoryError, "n: the result takes at least 1e+09 GB");
}

}  // namespace
