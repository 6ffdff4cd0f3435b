// The vector type of both files for 64-bit Arm, with and without the dot-product extension. Included
// inside their anonymous namespaces.
//
// The step's group is 8 gate vectors (two per gate) × 3 sketches = 24 sums, 3 broadcasts and 1
// weight vector. Checked under qemu-user; its speed has not been measured.

struct V {
  static constexpr int kWidth = 4;
  static constexpr int kGateVecs = 2;
  static constexpr int kStreams = 3;
  static constexpr int kHeadRows = 1;
  static constexpr int kHeadStreams = 1;
  static constexpr bool kSignedH = true;
  using F = float32x4_t;
  using I = int32x4_t;
  using M = uint32x4_t;

  static F load(const float* p) { return vld1q_f32(p); }
  static F load_i16(const int16_t* p) { return vcvtq_f32_s32(vmovl_s16(vld1_s16(p))); }
  static F load_i8(const int8_t* p) {
    int32_t four;
    memcpy(&four, p, sizeof four);
    const int16x8_t wide = vmovl_s8(vreinterpret_s8_s32(vdup_n_s32(four)));
    return vcvtq_f32_s32(vmovl_s16(vget_low_s16(wide)));
  }
  static F load_f16(const uint16_t* p) { return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p))); }
  static void store(float* p, F a) { vst1q_f32(p, a); }
  static void store_int(int32_t* p, I a) { vst1q_s32(p, a); }
  static I load_int(const int32_t* p) { return vld1q_s32(p); }
  static void store_i16(int16_t* p, I a) { vst1_s16(p, vmovn_s32(a)); }
  static void store_i8(uint8_t* p, I a) {
    const uint16x4_t half = vmovn_u32(vreinterpretq_u32_s32(a));
    const uint8x8_t bytes = vmovn_u16(vcombine_u16(half, half));
    vst1_lane_u32(reinterpret_cast<uint32_t*>(p), vreinterpret_u32_u8(bytes), 0);
  }
  static I madd(int16x8_t a, int16x8_t b) {
    return vpaddq_s32(vmull_s16(vget_low_s16(a), vget_low_s16(b)), vmull_high_s16(a, b));
  }
  static I dot_i16(I sum, I a, I b) {
    return vaddq_s32(sum, madd(vreinterpretq_s16_s32(a), vreinterpretq_s16_s32(b)));
  }
  static I dot_i8(I sum, I a, I b) {
    const int8x16_t w = vreinterpretq_s8_s32(a);
    const int8x16_t h = vreinterpretq_s8_s32(b);
#if defined(SKETCHRNN_NEON_DOT)
    return vdotq_s32(sum, w, h);
#else
    const int16x8_t low = vmull_s8(vget_low_s8(w), vget_low_s8(h));
    return vpadalq_s16(sum, vpaddq_s16(low, vmull_high_s8(w, h)));
#endif
  }
  static void prefetch_l2(const char* p) { __builtin_prefetch(p, 0, 2); }
  // Keeps the compiler from reading a weight from memory again for every sketch: loads would bind.
  static void keep_in_register(F& a) { SKETCHRNN_KEEP_IN_REGISTER("w", a); }
  static F set1(float x) { return vdupq_n_f32(x); }
  static I set1_int(int32_t x) { return vdupq_n_s32(x); }
  static F fma(F a, F b, F c) { return vfmaq_f32(c, a, b); }
  static F add(F a, F b) { return vaddq_f32(a, b); }
  static F sub(F a, F b) { return vsubq_f32(a, b); }
  static F mul(F a, F b) { return vmulq_f32(a, b); }
  static F div(F a, F b) { return vdivq_f32(a, b); }
  static F sqrt(F a) { return vsqrtq_f32(a); }
  static M less(F a, F b) { return vcltq_f32(a, b); }
  static F select(M m, F a, F b) { return vbslq_f32(m, a, b); }
  static F min(F a, F b) { return select(less(a, b), a, b); }
  static F max(F a, F b) { return select(less(b, a), a, b); }
  static I select_int(M m, I a, I b) { return vbslq_s32(m, a, b); }
  static M test(I a, I bit) { return vtstq_s32(a, bit); }
  static I as_int(F a) { return vreinterpretq_s32_f32(a); }
  static F as_float(I a) { return vreinterpretq_f32_s32(a); }
  static F to_float(I a) { return vcvtq_f32_s32(a); }
  static I add_int(I a, I b) { return vaddq_s32(a, b); }
  static I sub_int(I a, I b) { return vsubq_s32(a, b); }
  static I and_int(I a, I b) { return vandq_s32(a, b); }
  static I xor_int(I a, I b) { return veorq_s32(a, b); }
  template <int N>
  static I shift_left(I a) {
    return vshlq_n_s32(a, N);
  }
  template <int N>
  static I shift_right(I a) {
    return vshrq_n_s32(a, N);
  }
  static float sum_lanes(const F (&a)[kMaxWidth / kWidth]) {
    const F four = add(add(a[0], a[2]), add(a[1], a[3]));
    const float32x2_t two = vadd_f32(vget_low_f32(four), vget_high_f32(four));
    return vget_lane_f32(two, 0) + vget_lane_f32(two, 1);
  }
};
