// What the vector types of WebAssembly's two instruction sets share: simd128, 4 floats a vector.
//
// Included inside the anonymous namespace of wasm.cpp and wasm_relaxed.cpp, which add the fused
// multiply-add. The step's group is 8 gate vectors (two per gate) of one sketch: an engine has 16
// registers on x86-64 and 32 on Arm, and a module cannot ask which.

struct Simd128 {
  static constexpr int kWidth = 4;
  static constexpr int kGateVecs = 2;
  static constexpr int kStreams = 1;
  static constexpr int kHeadRows = 1;
  static constexpr int kHeadStreams = 1;
  static constexpr bool kSignedH = false;
  using F = v128_t;
  using I = v128_t;
  using M = v128_t;

  static F load(const float* p) { return wasm_v128_load(p); }
  static F load_i16(const int16_t* p) { return wasm_f32x4_convert_i32x4(wasm_i32x4_load16x4(p)); }
  static F load_i8(const int8_t* p) {
    const v128_t wide = wasm_i16x8_extend_low_i8x16(wasm_v128_load32_zero(p));
    return wasm_f32x4_convert_i32x4(wasm_i32x4_extend_low_i16x8(wide));
  }
  // Exponent and mantissa moved into place, subnormals too, then the exponent's bias corrected.
  static F load_f16(const uint16_t* p) {
    const v128_t bits = wasm_u32x4_load16x4(p);
    const v128_t magnitude = wasm_i32x4_shl(wasm_v128_and(bits, wasm_i32x4_splat(0x7FFF)), 13);
    const v128_t sign = wasm_i32x4_shl(wasm_v128_and(bits, wasm_i32x4_splat(0x8000)), 16);
    return wasm_v128_or(wasm_f32x4_mul(magnitude, wasm_f32x4_splat(0x1p112f)), sign);
  }
  static void store(float* p, F a) { wasm_v128_store(p, a); }
  static void store_int(int32_t* p, I a) { wasm_v128_store(p, a); }
  static I load_int(const int32_t* p) { return wasm_v128_load(p); }
  static void store_i16(int16_t* p, I a) {
    wasm_v128_store64_lane(p, wasm_i16x8_narrow_i32x4(a, a), 0);
  }
  static void store_i8(uint8_t* p, I a) {
    const v128_t half = wasm_i16x8_narrow_i32x4(a, a);
    wasm_v128_store32_lane(p, wasm_u8x16_narrow_i16x8(half, half), 0);
  }
  static I dot_i16(I sum, I a, I b) { return wasm_i32x4_add(sum, wasm_i32x4_dot_i16x8(a, b)); }
  // Even and odd bytes as int16, exact.
  static I dot_i8(I sum, I a, I b) {
    const v128_t even_h = wasm_v128_and(b, wasm_i16x8_splat(0xFF));
    const v128_t odd_h = wasm_u16x8_shr(b, 8);
    const v128_t even_w = wasm_i16x8_shr(wasm_i16x8_shl(a, 8), 8);
    const v128_t odd_w = wasm_i16x8_shr(a, 8);
    return dot_i16(dot_i16(sum, even_w, even_h), odd_w, odd_h);
  }
  static void prefetch_l2(const char*) {}
  static void keep_in_register(F&) {}
  static F set1(float x) { return wasm_f32x4_splat(x); }
  static I set1_int(int32_t x) { return wasm_i32x4_splat(x); }
  static F add(F a, F b) { return wasm_f32x4_add(a, b); }
  static F sub(F a, F b) { return wasm_f32x4_sub(a, b); }
  static F mul(F a, F b) { return wasm_f32x4_mul(a, b); }
  static F div(F a, F b) { return wasm_f32x4_div(a, b); }
  static F sqrt(F a) { return wasm_f32x4_sqrt(a); }
  // pmin(x, y) is y < x ? y : x, pmax(x, y) is x < y ? y : x.
  static F min(F a, F b) { return wasm_f32x4_pmin(b, a); }
  static F max(F a, F b) { return wasm_f32x4_pmax(b, a); }
  static M less(F a, F b) { return wasm_f32x4_lt(a, b); }
  static F select(M m, F a, F b) { return wasm_v128_bitselect(a, b, m); }
  static I select_int(M m, I a, I b) { return wasm_v128_bitselect(a, b, m); }
  static M test(I a, I bit) { return wasm_i32x4_ne(wasm_v128_and(a, bit), wasm_i32x4_splat(0)); }
  static I as_int(F a) { return a; }
  static F as_float(I a) { return a; }
  static F to_float(I a) { return wasm_f32x4_convert_i32x4(a); }
  static I add_int(I a, I b) { return wasm_i32x4_add(a, b); }
  static I sub_int(I a, I b) { return wasm_i32x4_sub(a, b); }
  static I and_int(I a, I b) { return wasm_v128_and(a, b); }
  static I xor_int(I a, I b) { return wasm_v128_xor(a, b); }
  template <int N>
  static I shift_left(I a) {
    return wasm_i32x4_shl(a, N);
  }
  template <int N>
  static I shift_right(I a) {
    return wasm_i32x4_shr(a, N);
  }
  static float sum_lanes(const F (&a)[kMaxWidth / kWidth]) {
    const F four = add(add(a[0], a[2]), add(a[1], a[3]));
    return (wasm_f32x4_extract_lane(four, 0) + wasm_f32x4_extract_lane(four, 2)) +
           (wasm_f32x4_extract_lane(four, 1) + wasm_f32x4_extract_lane(four, 3));
  }
};
