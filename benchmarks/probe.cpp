// What this machine can do right now: the limits that every figure is given as a share of.
//
//   probe [--seconds S]   prints one JSON object
//
// Arithmetic: independent multiply-adds in registers, float32 and int8 (vectors, and the matrix
// unit where there is one). Bandwidth: reading as many
// bytes as a 512-unit net's weights take in each precision, over and over. All for one thread and
// for two at once, since two cores of a virtual machine are not always two.

#include <cpuid.h>
#include <immintrin.h>
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

volatile int sink_int;

// A function that gives operations a second of `sum = next`, as many independent sums as there are
// registers for, compiled for instructions that the rest of this file does without. The compiler
// may not know that all sums are equal, nor that `b` does not change.
#define PEAK(name, instructions, Vector, registers, constraint, zero, one, next, operations_each) \
  __attribute__((target(instructions), noinline)) double name(double seconds) {                   \
    Vector sums[registers];                                                                       \
    _Pragma("GCC unroll 24") for (auto& sum : sums) sum = zero;                                   \
    const Vector a = one;                                                                         \
    Vector b = one;                                                                               \
    double operations = 0;                                                                        \
    const auto start = Clock::now();                                                              \
    do {                                                                                          \
      for (int i = 0; i < 20000; ++i) {                                                           \
        _Pragma("GCC unroll 24") for (auto& sum : sums) {                                         \
          sum = next;                                                                             \
          asm volatile("" : "+" constraint(sum), "+" constraint(b));                              \
        }                                                                                         \
      }                                                                                           \
      operations += 20000.0 * (registers) * (operations_each);                                    \
    } while (seconds_since(start) < seconds);                                                     \
    const double rate = operations / seconds_since(start);                                        \
    _Pragma("GCC unroll 24") for (auto& sum : sums) asm volatile("" ::constraint(sum));           \
    return rate;                                                                                  \
  }

PEAK(fma_avx512, "avx512f", __m512, 24, "v", _mm512_setzero_ps(), _mm512_set1_ps(1.0f),
     _mm512_fmadd_ps(a, b, sum), 32)
PEAK(fma_avx2, "avx2,fma", __m256, 12, "x", _mm256_setzero_ps(), _mm256_set1_ps(1.0f),
     _mm256_fmadd_ps(a, b, sum), 16)
// int16 and int8 as the kernels of each instruction set multiply them (dot_i16, dot_i8 there).
PEAK(dot_i16_avx512, "avx512bw", __m512i, 24, "v", _mm512_setzero_si512(), _mm512_set1_epi16(1),
     _mm512_add_epi32(sum, _mm512_madd_epi16(a, b)), 64)
PEAK(dot_i16_avx2, "avx2", __m256i, 12, "x", _mm256_setzero_si256(), _mm256_set1_epi16(1),
     _mm256_add_epi32(sum, _mm256_madd_epi16(a, b)), 32)
PEAK(dot_i8_avx512, "avx512bw", __m512i, 24, "v", _mm512_setzero_si512(), _mm512_set1_epi8(1),
     _mm512_add_epi32(sum, _mm512_madd_epi16(_mm512_maddubs_epi16(a, b), _mm512_set1_epi16(1))),
     128)
PEAK(dot_i8_avx2, "avx2", __m256i, 12, "x", _mm256_setzero_si256(), _mm256_set1_epi8(1),
     _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_maddubs_epi16(a, b), _mm256_set1_epi16(1))), 64)
PEAK(dot_i8_avx512vnni, "avx512f,avx512vnni", __m512i, 24, "v", _mm512_setzero_si512(),
     _mm512_set1_epi8(1), _mm512_dpbusd_epi32(sum, a, b), 128)
#if defined(__clang__) || __GNUC__ >= 11
PEAK(dot_i8_avxvnni, "avx2,avxvnni", __m256i, 12, "x", _mm256_setzero_si256(), _mm256_set1_epi8(1),
     _mm256_dpbusd_avx_epi32(sum, a, b), 64)
bool has_avxvnni() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid_count(7, 1, &a, &b, &c, &d) != 0 && (a & 1u << 4) != 0;
}
#else
double dot_i8_avxvnni(double) { return 0; }
bool has_avxvnni() { return false; }
#endif

#if defined(__linux__) && __GNUC__ >= 11
// The matrix unit: four sums, operands in tiles.
__attribute__((target("avx512f,amx-tile,amx-int8"), noinline)) double tiles_amx(double seconds) {
  alignas(64) unsigned char shapes[64] = {1};
  for (int tile = 0; tile < 8; ++tile) {
    shapes[16 + 2 * tile] = 64;
    shapes[48 + tile] = 16;
  }
  _tile_loadconfig(shapes);
  double operations = 0;
  const auto start = Clock::now();
  do {
    for (int i = 0; i < 20000; ++i) {
      _tile_dpbusd(0, 4, 5);
      _tile_dpbusd(1, 4, 5);
      _tile_dpbusd(2, 4, 5);
      _tile_dpbusd(3, 4, 5);
    }
    operations += 20000.0 * 4 * 2 * 16 * 16 * 64;
  } while (seconds_since(start) < seconds);
  const double rate = operations / seconds_since(start);
  _tile_release();
  return rate;
}

bool has_amx() {
  constexpr long kRequestPermission = 0x1023, kTileData = 18;
  return __builtin_cpu_supports("amx-int8") &&
         syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}
#else
double tiles_amx(double) { return 0; }
bool has_amx() { return false; }
#endif

__attribute__((target("avx2"), noinline)) double read_bytes(const char* data, std::size_t bytes,
                                                            double seconds) {
  double total = 0;
  __m256i x0 = _mm256_setzero_si256(), x1 = x0, x2 = x0, x3 = x0;
  const auto start = Clock::now();
  do {
    for (int repeat = 0; repeat < 8; ++repeat) {
      for (std::size_t i = 0; i < bytes; i += 128) {
        const auto* p = reinterpret_cast<const __m256i*>(data + i);
        x0 = _mm256_xor_si256(x0, _mm256_loadu_si256(p));
        x1 = _mm256_xor_si256(x1, _mm256_loadu_si256(p + 1));
        x2 = _mm256_xor_si256(x2, _mm256_loadu_si256(p + 2));
        x3 = _mm256_xor_si256(x3, _mm256_loadu_si256(p + 3));
      }
      asm volatile("" : "+x"(x0), "+x"(x1), "+x"(x2), "+x"(x3));
    }
    total += 8.0 * bytes;
  } while (seconds_since(start) < seconds);
  const double rate = total / seconds_since(start);
  sink_int =
      sink_int +
      _mm256_extract_epi32(_mm256_xor_si256(_mm256_xor_si256(x0, x1), _mm256_xor_si256(x2, x3)), 0);
  return rate;
}

double on_two(const std::function<double(int)>& work) {
  double other = 0;
  std::thread thread([&] { other = work(1); });
  const double mine = work(0);
  thread.join();
  return mine + other;
}

double barrier_ns() {
  std::atomic<int> turn{0};
  constexpr int rounds = 200000;
  std::thread thread([&] {
    for (int i = 0; i < rounds; ++i) {
      while (turn.load(std::memory_order_acquire) != 2 * i + 1) _mm_pause();
      turn.store(2 * i + 2, std::memory_order_release);
    }
  });
  const auto start = Clock::now();
  for (int i = 0; i < rounds; ++i) {
    turn.store(2 * i + 1, std::memory_order_release);
    while (turn.load(std::memory_order_acquire) != 2 * i + 2) _mm_pause();
  }
  const double ns = seconds_since(start) / rounds * 1e9 / 2;
  thread.join();
  return ns;
}

}  // namespace

int main(int argc, char** argv) {
  const double seconds =
      argc > 2 && std::strcmp(argv[1], "--seconds") == 0 ? std::atof(argv[2]) : 0.1;
  std::printf("{");
  const auto report = [&](const char* name, const std::function<double(int)>& work) {
    work(0);
    const double one = work(0);
    const double two = on_two(work);
    std::printf("\"%s\": [%.4g, %.4g], ", name, one, two);
  };
  const auto probe = [&](const char* name, double (*peak)(double)) {
    report(name, [&](int) { return peak(seconds); });
  };
  probe("fma_avx2", fma_avx2);
  probe("dot_i16_avx2", dot_i16_avx2);
  probe("dot_i8_avx2", dot_i8_avx2);
  if (has_avxvnni()) probe("dot_i8_avxvnni", dot_i8_avxvnni);
  if (__builtin_cpu_supports("avx512bw")) {
    probe("fma_avx512", fma_avx512);
    probe("dot_i16_avx512", dot_i16_avx512);
    probe("dot_i8_avx512", dot_i8_avx512);
  }
  if (__builtin_cpu_supports("avx512vnni")) probe("dot_i8_avx512vnni", dot_i8_avx512vnni);
  if (has_amx()) probe("dot_i8_avx512amx", tiles_amx);
  // Each thread its own share of the weights, as two threads of one stream read them.
  const struct {
    const char* name;
    std::size_t bytes;
  } sizes[] = {{"read_f32", 4495872}, {"read_16bit", 2247936}, {"read_8bit", 1123968}};
  std::vector<char> data[2];
  for (auto& d : data) d.assign(sizes[0].bytes + 128, 1);
  for (const auto& size : sizes) {
    const std::size_t half = size.bytes / 2 / 128 * 128;
    read_bytes(data[0].data(), size.bytes, seconds);
    const double one = read_bytes(data[0].data(), size.bytes, seconds);
    const double two = on_two([&](int t) { return read_bytes(data[t].data(), half, seconds); });
    std::printf("\"%s\": [%.4g, %.4g], ", size.name, one, two);
  }
  std::printf("\"barrier_ns\": %.1f}\n", barrier_ns());
}
