// Whether this engine computes what every other does: a small net draws in each precision, and its
// rows are compared with those of other machines. Some engines' SIMD gives wrong numbers.

// FNV-1a over the rows, in the order of PRECISIONS; tests/interop/browser/bits.mjs holds them against Python.
export const EXPECTED = [1497425935, 950326556, 1663842033];
const PRECISIONS = ["f32", "i16", "i8"];
const HIDDEN = 19; // no multiple of any vector
const MIXTURES = 3;

/** A net made of nothing: whole numbers of 1/64 from a linear congruential generator. For i8 with its
 * integers as they are, since finding them takes longer than all the rest. */
export function container(precision) {
  const outputs = 3 + 6 * MIXTURES;
  let random = 1;
  const whole = (count) =>
    Array.from({ length: count }, () => {
      random = (Math.imul(random, 1664525) + 1013904223) >>> 0;
      return (random >>> 25) - 64;
    });
  const arrays = [
    ["wx", [5, 4 * HIDDEN]],
    ["wh", [HIDDEN, 4 * HIDDEN]],
    ["b", [4 * HIDDEN]],
    ["wo", [HIDDEN, outputs]],
    ["bo", [outputs]],
  ].map(([name, shape]) => {
    const numbers = whole(shape.reduce((a, b) => a * b));
    if (name === "wh" && precision === "i8")
      return [name, shape, "I8", Int8Array.from(numbers, (x) => Math.max(x, -63))];
    return [name, shape, "F32", Float32Array.from(numbers, (x) => x / 64)];
  });
  arrays.at(-1)[3][2] = -4; // a drawing ends seldom
  if (precision === "i8") // 1/64 together
    arrays.push(
      ["wh.column_scale", [4 * HIDDEN], "F32", new Float32Array(4 * HIDDEN).fill(1 / 8192)],
      ["h.scale", [HIDDEN], "F32", new Float32Array(HIDDEN).fill(128)],
    );
  const header = {
    __metadata__: {
      format: "sketchrnn", format_version: "1", name: "self test", scale_factor: "16",
      max_len: "40", start_token: "[0,0,1,0,0]",
    },
  };
  let size = 0;
  for (const [name, shape, dtype, values] of arrays) {
    header[name] = { dtype, shape, data_offsets: [size, size + values.byteLength] };
    size += values.byteLength;
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + size);
  new DataView(bytes.buffer).setUint32(0, text.length, true);
  bytes.set(text, 8);
  for (const [name, , , values] of arrays) // WebAssembly's byte order is every engine's
    bytes.set(new Uint8Array(values.buffer), 8 + text.length + header[name].data_offsets[0]);
  return bytes;
}

export function hash(bytes) {
  let h = 0x811c9dc5;
  for (const byte of bytes) h = Math.imul(h ^ byte, 0x01000193);
  return h >>> 0;
}

/** The hashes here. */
export function hashes(core) {
  const { exports } = core;
  return PRECISIONS.map((precision) => {
    const bytes = container(precision);
    return core.with(bytes, (data) =>
      core.withText(precision, (name) => {
        core.check(
          exports.sketchrnn_net_open_memory(data, bytes.length, name, core.slot, core.error),
        );
        const net = core.pointer();
        core.check(exports.sketchrnn_state_create(net, 7n, 0n, core.slot, core.error));
        const state = core.pointer();
        const rows = core.allocate(20 * 40);
        core.bytes(rows, 20 * 40).fill(0);
        for (let i = 0; i < 40 && !exports.sketchrnn_state_finished(state); ++i)
          core.check(exports.sketchrnn_state_step(state, 0.6, rows + 20 * i, core.error));
        const out = hash(core.bytes(rows, 20 * 40));
        exports.free(rows);
        exports.sketchrnn_state_free(state);
        exports.sketchrnn_net_close(net);
        return out;
      }),
    );
  });
}

export function selfTest(core) {
  return hashes(core).every((h, i) => h === EXPECTED[i]);
}
