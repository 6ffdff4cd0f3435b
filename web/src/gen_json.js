// The public nets' .gen.json as our container, its int16 numbers kept: what
// python/sketchrnn/nets/gen_json.py does. The core checks the result.
const ORDER = ["wo", "bo", "wx", "wh", "b"];
const ARRAYS = ["wx", "wh", "b", "wo", "bo"];
const STEP = 10 / 32767; // of the fixed-point numbers, from sketch-rnn-js

export function isGenJson(bytes) {
  // A container begins with its header's length, whose upper bytes are zero.
  return bytes.length >= 2 && (bytes[0] === 0x5b || bytes[0] <= 0x20) && !bytes.subarray(0, 8).includes(0);
}

function fail(message) {
  const error = new Error(message);
  error.name = "SketchRNNError";
  error.code = "WEIGHTS";
  throw error;
}

const shown = (value) => String(JSON.stringify(value)).slice(0, 80);

function blob(key, shape, text) {
  const whole = (n) => Number.isSafeInteger(n) && n > 0;
  if (!Array.isArray(shape) || shape.length < 1 || shape.length > 2 || !shape.every(whole))
    fail(`shape of ${key}: expected one or two positive integers, found ${shown(shape)}`);
  if (typeof text !== "string")
    fail(`blob of ${key}: expected a base64 string, found ${text === null ? "null" : typeof text}`);
  let raw;
  try {
    if (/\s/.test(text)) throw new Error("blanks");
    raw = atob(text);
  } catch (error) {
    fail(`blob of ${key}: not base64: ${error.message}`);
  }
  const size = 2 * shape.reduce((a, b) => a * b);
  if (raw.length !== size)
    fail(`blob of ${key}: shape [${shape.join(", ")}] needs ${size} bytes of int16, found ${raw.length}`);
  return Uint8Array.from(raw, (c) => c.charCodeAt(0));
}

/** A container's bytes from those of a .gen.json. */
export function fromGenJson(bytes) {
  let document;
  try {
    document = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    fail(`not valid JSON: ${error.message}`);
  }
  const object = (x) => typeof x === "object" && x !== null && !Array.isArray(x);
  if (
    !Array.isArray(document) || document.length !== 3 ||
    !object(document[0]) || !Array.isArray(document[1]) || !Array.isArray(document[2])
  )
    fail("expected a list [info, shapes, blobs] of an object and two lists");
  const [info, shapes, blobs] = document;
  if ([0, 1, "vae"].includes(info.mode) || blobs.length === 17)
    fail(
      `this is a net with an encoder (a .vae.json: mode ${shown(info.mode)}, ${blobs.length} ` +
        "blobs), which is not supported; take the .gen.json of the same object",
    );
  if (![2, "gen"].includes(info.mode))
    fail(`info.mode: expected 2 or "gen", found ${shown(info.mode)}`);
  if (blobs.length !== 5 || shapes.length !== 5)
    fail(`expected 5 shapes and 5 blobs, found ${shapes.length} and ${blobs.length}`);
  for (const key of ["scale_factor", "max_seq_len"])
    if (typeof info[key] !== "number") fail(`info.${key}: expected a number, found ${shown(info[key])}`);
  if (!Number.isInteger(info.max_seq_len))
    fail(`info.max_seq_len: expected an integer, found ${info.max_seq_len}`);

  const data = {};
  const shape = {};
  ORDER.forEach((key, i) => {
    data[key] = blob(key, shapes[i], blobs[i]);
    shape[key] = shapes[i];
  });
  // Not in the file: the public nets were trained with zeros (docs/design.md).
  const written = object(info.sketchrnn) ? info.sketchrnn : undefined;
  const token = written?.start_token ?? [0, 0, 0, 0, 0];
  if (!Array.isArray(token) || token.length !== 5 || !token.every(Number.isFinite))
    fail(`info.sketchrnn.start_token: expected a list of 5 numbers, found ${shown(token)}`);
  const texts = written?.metadata ?? { source: "Magenta sketch-rnn .gen.json" };
  if (!object(texts) || !Object.values(texts).every((x) => typeof x === "string"))
    fail("info.sketchrnn.metadata: expected an object of texts");
  const header = {
    __metadata__: {
      ...texts,
      ...Object.fromEntries(ORDER.map((key) => [`${key}.scale`, String(STEP)])),
      format: "sketchrnn",
      format_version: "1",
      name: String(info.name ?? "") || "unnamed",
      scale_factor: String(info.scale_factor),
      max_len: String(info.max_seq_len),
      start_token: JSON.stringify(token),
    },
  };
  let at = 0;
  for (const key of ARRAYS) {
    header[key] = { dtype: "I16", shape: shape[key], data_offsets: [at, at + data[key].length] };
    at += data[key].length;
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  const start = 8 + 8 * Math.ceil(text.length / 8);
  const out = new Uint8Array(start + at).fill(0x20, 8, start);
  new DataView(out.buffer).setBigUint64(0, BigInt(start - 8), true);
  out.set(text, 8);
  at = start;
  for (const key of ARRAYS) {
    out.set(data[key], at);
    at += data[key].length;
  }
  return out;
}
