// The vector type of both files for AVX2, with and without VNNI: 8 floats a vector, 16 registers.
// Included inside their anonymous namespaces.
//
// The step's group is 4 gate vectors × 3 sketches = 12 sums, 3 broadcasts and 1 weight vector: all
// 16 registers. Two FMAs a cycle at a latency of 4 or 5 need 8 to 10 independent sums.

struct V {
  static constexpr int kWidth = 8;
  static constexpr int kGateVecs = 1;
  static constexpr int kStreams = 3;
  static constexpr int kHeadRows = 1;
  static constexpr int kHeadStreams = 1;
  static constexpr bool kSignedH = false;
  using F = __m256;
  using I = __m256i;
  using M = __m256;

  static F load(const float* p) { return _mm256_loadu_ps(p); }
  static F load_i16(const int16_t* p) {
    return _mm256_cvtepi32_ps(
        _mm256_cvtepi16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
  }
  static F load_i8(const int8_t* p) {
    return _mm256_cvtepi32_ps(
        _mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))));
  }
  static F load_f16(const uint16_t* p) {
    return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  }
  static void store(float* p, F a) { _mm256_storeu_ps(p, a); }
  static void store_int(int32_t* p, I a) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), a); }
  static I load_int(const int32_t* p) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  }
  static void store_i16(int16_t* p, I a) {
    const __m128i half = _mm_packs_epi32(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), half);
  }
  static void store_i8(uint8_t* p, I a) {
    const __m128i half = _mm_packs_epi32(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
    _mm_storel_epi64(reinterpret_cast<__m128i*>(p), _mm_packus_epi16(half, half));
  }
#if defined(__AVXVNNI__)
  static I dot_i16(I sum, I a, I b) { return _mm256_dpwssd_avx_epi32(sum, a, b); }
  static I dot_i8(I sum, I a, I b) { return _mm256_dpbusd_avx_epi32(sum, b, a); }
#else
  static I dot_i16(I sum, I a, I b) { return _mm256_add_epi32(sum, _mm256_madd_epi16(a, b)); }
  static I dot_i8(I sum, I a, I b) {
    const __m256i pairs = _mm256_maddubs_epi16(b, a);  // cannot saturate: weights have 7 bits
    return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
  }
#endif
  static void prefetch_l2(const char* p) { _mm_prefetch(p, _MM_HINT_T1); }
  // Keeps the compiler from reading a weight from memory again for every sketch: loads would bind.
  static void keep_in_register(F& a) { SKETCHRNN_KEEP_IN_REGISTER("x", a); }
  static F set1(float x) { return _mm256_set1_ps(x); }
  static I set1_int(int32_t x) { return _mm256_set1_epi32(x); }
  static F fma(F a, F b, F c) { return _mm256_fmadd_ps(a, b, c); }
  static F add(F a, F b) { return _mm256_add_ps(a, b); }
  static F sub(F a, F b) { return _mm256_sub_ps(a, b); }
  static F mul(F a, F b) { return _mm256_mul_ps(a, b); }
  static F div(F a, F b) { return _mm256_div_ps(a, b); }
  static F sqrt(F a) { return _mm256_sqrt_ps(a); }
  static M less(F a, F b) { return _mm256_cmp_ps(a, b, _CMP_LT_OQ); }
  static F select(M m, F a, F b) { return _mm256_blendv_ps(b, a, m); }
  static F min(F a, F b) { return _mm256_min_ps(a, b); }
  static F max(F a, F b) { return _mm256_max_ps(a, b); }
  static I select_int(M m, I a, I b) { return _mm256_blendv_epi8(b, a, _mm256_castps_si256(m)); }
  static M test(I a, I bit) {
    return _mm256_castsi256_ps(_mm256_cmpeq_epi32(_mm256_and_si256(a, bit), bit));
  }
  static I as_int(F a) { return _mm256_castps_si256(a); }
  static F as_float(I a) { return _mm256_castsi256_ps(a); }
  static F to_float(I a) { return _mm256_cvtepi32_ps(a); }
  static I add_int(I a, I b) { return _mm256_add_epi32(a, b); }
  static I sub_int(I a, I b) { return _mm256_sub_epi32(a, b); }
  static I and_int(I a, I b) { return _mm256_and_si256(a, b); }
  static I xor_int(I a, I b) { return _mm256_xor_si256(a, b); }
  template <int N>
  static I shift_left(I a) {
    return _mm256_slli_epi32(a, N);
  }
  template <int N>
  static I shift_right(I a) {
    return _mm256_srai_epi32(a, N);
  }
  static float sum_lanes(const F (&a)[kMaxWidth / kWidth]) {
    const F eight = add(a[0], a[1]);
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    four = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(four, _mm_shuffle_ps(four, four, 1)));
  }
};
