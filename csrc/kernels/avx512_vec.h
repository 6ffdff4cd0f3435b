// The vector type of both AVX-512 files, with and without VNNI. Included inside their anonymous
// namespaces.
//
// The step's group is 4 gate vectors × 6 sketches = 24 sums, 6 broadcasts and 1 weight vector: 31
// registers. Per word it issues 24 multiply-adds for 10 loads, so the two ports (one on Zen 4)
// bind.

#define SKETCHRNN_V_SCALES

struct V {
  static constexpr int kWidth = 16;
  static constexpr int kGateVecs = 1;
  static constexpr int kStreams = 6;
  static constexpr int kHeadRows = 2;
  static constexpr int kHeadStreams = 3;
  static constexpr bool kSignedH = false;
  using F = __m512;
  using I = __m512i;
  using M = __mmask16;

  static F load(const float* p) { return _mm512_loadu_ps(p); }
  static F load_i16(const int16_t* p) {
    return _mm512_cvtepi32_ps(
        _mm512_cvtepi16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))));
  }
  static F load_i8(const int8_t* p) {
    return _mm512_cvtepi32_ps(
        _mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
  }
  static F load_f16(const uint16_t* p) {
    return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  }
  static void store(float* p, F a) { _mm512_storeu_ps(p, a); }
  static void store_int(int32_t* p, I a) { _mm512_storeu_si512(p, a); }
  static I load_int(const int32_t* p) { return _mm512_loadu_si512(p); }
  static void store_i16(int16_t* p, I a) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtepi32_epi16(a));
  }
  static void store_i8(uint8_t* p, I a) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtepi32_epi8(a));
  }
#if defined(__AVX512VNNI__)
  static I dot_i16(I sum, I a, I b) { return _mm512_dpwssd_epi32(sum, a, b); }
  static I dot_i8(I sum, I a, I b) { return _mm512_dpbusd_epi32(sum, b, a); }
#else
  static I dot_i16(I sum, I a, I b) { return _mm512_add_epi32(sum, _mm512_madd_epi16(a, b)); }
  static I dot_i8(I sum, I a, I b) {
    const __m512i pairs = _mm512_maddubs_epi16(b, a);  // cannot saturate: weights have 7 bits
    return _mm512_add_epi32(sum, _mm512_madd_epi16(pairs, _mm512_set1_epi16(1)));
  }
#endif
  static void prefetch_l2(const char* p) { _mm_prefetch(p, _MM_HINT_T1); }
  // Keeps the compiler from reading a weight from memory again for every sketch: loads would bind.
  static void keep_in_register(F& a) { SKETCHRNN_KEEP_IN_REGISTER("v", a); }
  static F set1(float x) { return _mm512_set1_ps(x); }
  static I set1_int(int32_t x) { return _mm512_set1_epi32(x); }
  static F fma(F a, F b, F c) { return _mm512_fmadd_ps(a, b, c); }
  static F add(F a, F b) { return _mm512_add_ps(a, b); }
  static F sub(F a, F b) { return _mm512_sub_ps(a, b); }
  static F mul(F a, F b) { return _mm512_mul_ps(a, b); }
  static F div(F a, F b) { return _mm512_div_ps(a, b); }
  static F sqrt(F a) { return _mm512_sqrt_ps(a); }
  static M less(F a, F b) { return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ); }
  static F select(M m, F a, F b) { return _mm512_mask_blend_ps(m, b, a); }
  static F min(F a, F b) { return _mm512_min_ps(a, b); }
  static F max(F a, F b) { return _mm512_max_ps(a, b); }
  // The number of lesser magnitude with the sign of a. Where a is a NaN that is the other number,
  // with the sign that x86 gives its own NaNs: minus.
  static F least_magnitude(F a, F b) { return _mm512_range_ps(a, b, 2); }
  static F less_nearest(F a) { return _mm512_reduce_ps(a, _MM_FROUND_TO_NEAREST_INT); }
  static F times_exp2(F a, F n) { return _mm512_scalef_ps(a, n); }
  static I select_int(M m, I a, I b) { return _mm512_mask_blend_epi32(m, b, a); }
  static M test(I a, I bit) { return _mm512_test_epi32_mask(a, bit); }
  static I as_int(F a) { return _mm512_castps_si512(a); }
  static F as_float(I a) { return _mm512_castsi512_ps(a); }
  static F to_float(I a) { return _mm512_cvtepi32_ps(a); }
  static I add_int(I a, I b) { return _mm512_add_epi32(a, b); }
  static I sub_int(I a, I b) { return _mm512_sub_epi32(a, b); }
  static I and_int(I a, I b) { return _mm512_and_si512(a, b); }
  static I xor_int(I a, I b) { return _mm512_xor_si512(a, b); }
  template <int N>
  static I shift_left(I a) {
    return _mm512_slli_epi32(a, N);
  }
  template <int N>
  static I shift_right(I a) {
    return _mm512_srai_epi32(a, N);
  }
  static float sum_lanes(const F (&a)[kMaxWidth / kWidth]) {
    const __m256 eight =
        _mm256_add_ps(_mm512_castps512_ps256(a[0]), _mm512_extractf32x8_ps(a[0], 1));
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    four = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(four, _mm_shuffle_ps(four, four, 1)));
  }
};
