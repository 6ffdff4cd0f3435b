// Nets, states and drawings. Arrays of rows are Float32Arrays of 5 numbers a row, stroke-5: an offset
// in data units (y downwards) and one of three pen states.
import { core as sharedCore, CoreError, fetched } from "./core.js";
import { fromGenJson, isGenJson } from "./gen_json.js";

const PRECISIONS = ["f32", "i16", "i8"];
const OPTIONS = 64; // sizeof(sketchrnn_draw_options) with 32-bit pointers

function fail(message) {
  throw new CoreError(message, "ARGUMENT");
}

function u64(value, name) {
  if (typeof value === "number" && !Number.isSafeInteger(value))
    fail(`${name}: expected an integer, found ${value}; beyond 2^53 take a BigInt`);
  if (typeof value !== "number" && typeof value !== "bigint")
    fail(`${name}: expected a number or a BigInt, found ${typeof value}`);
  if (value < 0 || BigInt(value) >= 1n << 64n) fail(`${name}: expected 0 to 2^64 - 1, found ${value}`);
  return BigInt(value);
}

/** A fresh seed, small enough to be written down as a number. */
export function freshSeed() {
  const [high, low] = crypto.getRandomValues(new Uint32Array(2));
  return (BigInt(high & 0x1fffff) << 32n) | BigInt(low);
}

function count(value, name, least) {
  if (!Number.isSafeInteger(value) || value < least || value >= 2 ** 31)
    fail(`${name}: expected an integer of at least ${least}, found ${value}`);
  return value;
}

function rowsOf(strokes, name = "strokes") {
  if (Array.isArray(strokes)) strokes = Float32Array.from(strokes.flat());
  if (!(strokes instanceof Float32Array))
    fail(`${name}: expected a Float32Array of 5 numbers a row, found ${typeof strokes}`);
  if (strokes.length % 5 !== 0)
    fail(`${name}: expected 5 numbers a row, found ${strokes.length} numbers`);
  return strokes;
}

/** Latent vectors, one or several in a row, as float32; an empty array where none is given. */
function vectorsOf(z, name = "z") {
  if (z === undefined) return new Float32Array(0);
  if (Array.isArray(z)) z = Float32Array.from(z.flat());
  if (!(z instanceof Float32Array)) fail(`${name}: expected a Float32Array, found ${typeof z}`);
  if (z.length === 0) fail(`${name}: expected a latent vector, found no number`);
  return z;
}

/** What may be freed, and is when it is forgotten. */
class Held {
  static #forgotten = new FinalizationRegistry((release) => release());
  #at;
  #release;

  hold(at, release) {
    this.#at = at;
    this.#release = release;
    Held.#forgotten.register(this, release, this);
  }
  get at() {
    if (!this.#at) fail("it was freed");
    return this.#at;
  }
  /** Gives the memory back; nothing else can be done with it then. */
  free() {
    if (!this.#at) return;
    Held.#forgotten.unregister(this);
    this.#release();
    this.#at = 0;
  }
}

// A container's bytes stay where they are as long as a net or a state reads them.
class Container {
  users = 0;

  constructor(core, bytes) {
    this.free = core.exports.free;
    this.at = core.allocate(bytes.length);
    core.bytes(this.at, bytes.length).set(bytes);
  }
  /** One user more; what it calls when it is done. */
  share() {
    this.users += 1;
    return () => {
      if (--this.users === 0) this.free(this.at);
    };
  }
}

/** One drawing in the making. See State in index.d.ts. */
export class State extends Held {
  constructor(net, at) {
    super();
    this.net = net;
    const { exports } = net.core;
    const done = net.container.share();
    this.hold(at, () => {
      exports.sketchrnn_state_free(at);
      done();
    });
  }

  feed(strokes) {
    const rows = rowsOf(strokes);
    const { core } = this.net;
    core.with(rows, (at) =>
      core.check(core.exports.sketchrnn_state_feed(this.at, at, rows.length / 5, core.error)),
    );
    return this;
  }

  step(temperature = 0.4) {
    const { core } = this.net;
    const at = core.room(20);
    core.check(core.exports.sketchrnn_state_step(this.at, temperature, at, core.error));
    return core.floats(at, 5).slice();
  }

  predict() {
    const { core, mixtures: m } = this.net;
    const at = core.room(8 * (3 + 6 * m));
    core.check(core.exports.sketchrnn_state_predict(this.at, at, 3 + 6 * m, core.error));
    const all = core.doubles(at, 3 + 6 * m).slice();
    const part = (i) => all.subarray(3 + i * m, 3 + (i + 1) * m);
    return {
      pen: all.subarray(0, 3), pi: part(0), muX: part(1), muY: part(2), sigmaX: part(3),
      sigmaY: part(4), rho: part(5),
    };
  }

  /** Head outputs as they are: logits, log σ, atanh ρ, in the net's units. */
  predictRaw() {
    const { core } = this.net;
    const outputs = 3 + 6 * this.net.mixtures;
    const at = core.room(4 * outputs);
    core.check(core.exports.sketchrnn_state_predict_raw(this.at, at, outputs, core.error));
    return core.floats(at, outputs).slice();
  }

  /** The LSTM's h and c; with an argument of the same form, goes on from those. */
  hidden(given) {
    const { core, hiddenSize } = this.net;
    const { sketchrnn_state_hidden, sketchrnn_state_set_hidden } = core.exports;
    return core.with(new Float32Array(2 * hiddenSize), (h) => {
      const c = h + 4 * hiddenSize;
      if (given !== undefined) {
        core.floats(h, hiddenSize).set(given.h);
        core.floats(c, hiddenSize).set(given.c);
        core.check(sketchrnn_state_set_hidden(this.at, h, c, hiddenSize, core.error));
      } else core.check(sketchrnn_state_hidden(this.at, h, c, hiddenSize, core.error));
      return { h: core.floats(h, hiddenSize).slice(), c: core.floats(c, hiddenSize).slice() };
    });
  }

  copy() {
    const { core } = this.net;
    core.check(core.exports.sketchrnn_state_copy(this.at, core.slot, core.error));
    return new State(this.net, core.pointer());
  }

  reset({ seed = freshSeed(), index = 0 } = {}) {
    this.net.core.exports.sketchrnn_state_reset(this.at, u64(seed, "seed"), u64(index, "index"));
    return this;
  }

  get position() {
    return Number(this.net.core.exports.sketchrnn_state_position(this.at));
  }
  get finished() {
    return this.net.core.exports.sketchrnn_state_finished(this.at) !== 0;
  }
}

/** A net. See Net in index.d.ts. */
export class Net extends Held {
  constructor(core, at, container) {
    super();
    this.core = core;
    this.container = container;
    const { exports } = core;
    this.name = core.text(exports.sketchrnn_net_name(at));
    this.precision = core.text(exports.sketchrnn_net_precision(at));
    this.isa = core.text(exports.sketchrnn_net_isa(at));
    this.hiddenSize = exports.sketchrnn_net_hidden_size(at);
    this.mixtures = exports.sketchrnn_net_mixtures(at);
    this.maxLen = exports.sketchrnn_net_max_len(at);
    this.scaleFactor = exports.sketchrnn_net_scale_factor(at);
    this.latentSize = exports.sketchrnn_net_latent_size(at) >>> 0;
    const objects = exports.sketchrnn_net_objects(at);
    this.objects = Array.from({ length: objects }, (_, i) =>
      core.text(exports.sketchrnn_net_object(at, i)),
    );
    const done = container.share();
    this.hold(at, () => {
      exports.sketchrnn_net_close(at);
      done();
    });
  }

  metadata(key) {
    return this.core.withText(key, (at) =>
      this.core.text(this.core.exports.sketchrnn_net_metadata(this.at, at)),
    );
  }

  of(object) {
    const { core } = this;
    core.withText(object, (name) =>
      core.check(core.exports.sketchrnn_net_of(this.at, name, core.slot, core.error)),
    );
    return new Net(core, core.pointer(), this.container);
  }

  draw(options = {}) {
    return this.drawMany(1, options)[0];
  }

  drawMany(n, options = {}) {
    return this.#drawn(null, count(n, "n", 0), options);
  }

  complete(strokes, { n = 1, ...options } = {}) {
    return this.#drawn(rowsOf(strokes), count(n, "n", 0), options);
  }

  #drawn(partial, n, options) {
    const {
      seed = freshSeed(), index = 0, temperature = 0.4, softmaxTemperature = -1, maxLen = 0,
    } = options;
    const z = vectorsOf(options.z);
    const { core } = this;
    const { exports } = core;
    if (options.softmaxTemperature !== undefined && !(softmaxTemperature >= 0))
      fail(`softmaxTemperature: expected a number of at least 0, found ${softmaxTemperature}`);
    const given = new DataView(new ArrayBuffer(OPTIONS));
    given.setUint32(0, OPTIONS, true);
    given.setUint32(4, n, true);
    given.setFloat64(8, temperature, true);
    given.setFloat64(16, softmaxTemperature, true);
    given.setBigUint64(24, u64(seed, "seed"), true);
    given.setBigUint64(32, u64(index, "index"), true);
    given.setUint32(40, count(maxLen, "maxLen", 0), true);
    given.setInt32(44, 1, true);
    core.with(z, (vectors) => {
      if (z.length > 0) {
        given.setUint32(56, vectors, true);
        given.setUint32(60, z.length, true);
      }
      core.with(given, (at) =>
        core.check(
          partial === null
            ? exports.sketchrnn_net_draw(this.at, at, core.slot, core.error)
            : core.with(partial, (rows) =>
                exports.sketchrnn_net_complete(
                  this.at, rows, partial.length / 5, at, core.slot, core.error,
                ),
              ),
        ),
      );
    });
    const drawings = core.pointer();
    const out = [];
    for (let i = 0; i < n; ++i) {
      const rows = exports.sketchrnn_drawings_get(drawings, i, core.slot) >>> 0;
      const strokes = core.floats(rows, 5 * core.pointer()).slice();
      out.push({ strokes, finished: strokes.length > 0 && strokes[strokes.length - 1] === 1 });
    }
    exports.sketchrnn_drawings_free(drawings);
    return out;
  }

  state({ seed = freshSeed(), index = 0, z } = {}) {
    const { core } = this;
    const { exports } = core;
    const vector = vectorsOf(z);
    const [from, at] = [u64(seed, "seed"), u64(index, "index")];
    core.check(
      vector.length === 0
        ? exports.sketchrnn_state_create(this.at, from, at, core.slot, core.error)
        : core.with(vector, (numbers) =>
            exports.sketchrnn_state_create_latent(
              this.at, numbers, vector.length, from, at, core.slot, core.error,
            ),
          ),
    );
    return new State(this, core.pointer());
  }

  predict(strokes = new Float32Array(0), { z } = {}) {
    const state = this.state({ seed: 0, z });
    try {
      return state.feed(strokes).predict();
    } finally {
      state.free();
    }
  }

  posterior(strokes) {
    const { core, latentSize: size } = this;
    const rows = rowsOf(strokes);
    return core.with(rows, (at) =>
      core.with(Uint32Array.of(rows.length / 5), (lengths) =>
        core.with(new Float32Array(2 * size), (mu) => {
          core.check(
            core.exports.sketchrnn_net_encode(
              this.at, at, lengths, 1, 1, mu, mu + 4 * size, size, core.error,
            ),
          );
          const both = core.floats(mu, 2 * size).slice();
          return { mu: both.subarray(0, size), sigma: both.subarray(size) };
        }),
      ),
    );
  }

  encode(strokes) {
    return this.posterior(strokes).mu;
  }
}

/** Opens a net. See load in index.d.ts. */
export async function load(source, { precision = "f32", object, wasm } = {}) {
  if (!PRECISIONS.includes(precision))
    fail(`precision: expected one of ${PRECISIONS.join(", ")}, found ${String(precision)}`);
  let bytes = source;
  if (source instanceof Response) bytes = new Uint8Array(await source.arrayBuffer());
  else if (typeof source === "string" || source instanceof URL) bytes = await fetched(source);
  else if (source instanceof ArrayBuffer) bytes = new Uint8Array(source);
  else if (ArrayBuffer.isView(source))
    bytes = new Uint8Array(source.buffer, source.byteOffset, source.byteLength);
  else fail(`a net: expected bytes or an address, found ${source === null ? "null" : typeof source}`);
  if (isGenJson(bytes)) bytes = fromGenJson(bytes);
  const core = await sharedCore(wasm);
  const container = new Container(core, bytes);
  const done = container.share(); // until a net shares it
  try {
    core.withText(precision, (name) =>
      core.check(
        core.exports.sketchrnn_net_open_memory(
          container.at, bytes.length, name, core.slot, core.error,
        ),
      ),
    );
    const net = new Net(core, core.pointer(), container);
    if (object === undefined) return net;
    try {
      return net.of(object);
    } finally {
      net.free();
    }
  } finally {
    done();
  }
}
