// Whether this engine computes what every other does: a small net draws in each precision, and its
// rows are compared with those of other machines. Some engines' SIMD gives wrong numbers.

// FNV-1a over the rows, in the order of PRECISIONS; tests/interop/browser/bits.mjs holds them against Python.
export const EXPECTED = [1497425935, 950326556, 585974829];
const PRECISIONS = ["f32", "i16", "i8"];
const HIDDEN = 19; // no multiple of any vector
const MIXTURES = 3;

/** A net made of nothing: whole numbers of 1/64 from a linear congruential generator. */
export function container() {
  const outputs = 3 + 6 * MIXTURES;
  const arrays = [
    ["wx", [5, 4 * HIDDEN]],
    ["wh", [HIDDEN, 4 * HIDDEN]],
    ["b", [4 * HIDDEN]],
    ["wo", [HIDDEN, outputs]],
    ["bo", [outputs]],
  ];
  const header = {
    __metadata__: {
      format: "sketchrnn", format_version: "1", name: "self test", scale_factor: "16",
      max_len: "40", start_token: "[0,0,1,0,0]",
    },
  };
  let random = 1;
  const numbers = [];
  for (const [name, shape] of arrays) {
    const first = 4 * numbers.length;
    for (let i = shape.reduce((a, b) => a * b); i > 0; --i) {
      random = (Math.imul(random, 1664525) + 1013904223) >>> 0;
      numbers.push(((random >>> 25) - 64) / 64);
    }
    header[name] = { dtype: "F32", shape, data_offsets: [first, 4 * numbers.length] };
  }
  numbers[numbers.length - outputs + 2] = -4; // a drawing ends seldom
  const text = new TextEncoder().encode(JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + 4 * numbers.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, text.length, true);
  bytes.set(text, 8);
  numbers.forEach((x, i) => view.setFloat32(8 + text.length + 4 * i, x, true));
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
  return PRECISIONS.map((precision) =>
    core.with(container(), (data) =>
      core.withText(precision, (name) => {
        core.check(
          exports.sketchrnn_net_open_memory(data, container().length, name, core.slot, core.error),
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
    ),
  );
}

export function selfTest(core) {
  return hashes(core).every((h, i) => h === EXPECTED[i]);
}
