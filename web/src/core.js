// The core's module: found, checked by drawing with it, and called through the C interface of
// csrc/include/sketchrnn/sketchrnn.h.
import { selfTest } from "./self_test.js";

// A module with one relaxed multiply-add: an engine without relaxed SIMD refuses it, and would refuse
// the whole of sketchrnn_relaxed.wasm.
const RELAXED = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 19, 1, 17, 0, 65, 1, 253,
  15, 65, 2, 253, 15, 65, 3, 253, 15, 253, 133, 2, 11,
]);

const MESSAGE = 512; // sizeof(sketchrnn_error)
const STATUS = ["", "ARGUMENT", "WEIGHTS", "FINISHED", "CANCELLED", "MEMORY", "INTERNAL"];

const utf8 = new TextDecoder();

/** What the core answered, or why it could not start. `code`: the C status, such as "WEIGHTS". */
export class CoreError extends Error {
  constructor(message, code = "INTERNAL") {
    super(message);
    this.name = "SketchRNNError";
    this.code = code;
  }
}

/** One instance of the module and its memory. */
export class Core {
  #memory;
  roomAt = 0;
  roomSize = 0;

  constructor(exports) {
    this.exports = exports;
    this.#memory = exports.memory;
    exports._initialize();
    this.error = this.allocate(MESSAGE);
    this.slot = this.allocate(8); // for a pointer or a number that a call writes
  }

  // Memory moves when it grows, so a view is good until the next call.
  bytes(at, size) {
    return new Uint8Array(this.#memory.buffer, at, size);
  }
  floats(at, count) {
    return new Float32Array(this.#memory.buffer, at, count);
  }
  doubles(at, count) {
    return new Float64Array(this.#memory.buffer, at, count);
  }
  view(at, size) {
    return new DataView(this.#memory.buffer, at, size);
  }
  pointer(at = this.slot) {
    return this.view(at, 4).getUint32(0, true);
  }

  allocate(size) {
    const at = this.exports.malloc(Math.max(size, 1)) >>> 0;
    if (at === 0) throw new CoreError(`out of memory: ${size} bytes`, "MEMORY");
    return at;
  }
  /** A place for what one call writes, until the next one asks. */
  room(size) {
    if (size > this.roomSize) {
      this.exports.free(this.roomAt);
      this.roomAt = 0;
      this.roomAt = this.allocate(size);
      this.roomSize = size;
    }
    return this.roomAt;
  }
  /** Calls use(address) with `bytes` copied into the module's memory for as long as it takes. */
  with(bytes, use) {
    const at = this.allocate(bytes.byteLength);
    try {
      this.bytes(at, bytes.byteLength).set(
        new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength),
      );
      return use(at);
    } finally {
      this.exports.free(at);
    }
  }
  withText(text, use) {
    return this.with(new TextEncoder().encode(`${text}\0`), use);
  }

  text(at) {
    if (at === 0) return null;
    const rest = new Uint8Array(this.#memory.buffer, at >>> 0);
    return utf8.decode(rest.slice(0, rest.indexOf(0)));
  }

  /** Throws what a call reports by its status. */
  check(status) {
    if (status !== 0) throw new CoreError(this.text(this.error), STATUS[status]);
  }
}

// What wasi-libc asks of a system: no environment, a clock for the core's pulse, no files.
function system(memory) {
  const view = () => new DataView(memory().buffer);
  return {
    environ_sizes_get(count, size) {
      view().setUint32(count, 0, true);
      view().setUint32(size, 0, true);
      return 0;
    },
    environ_get: () => 0,
    clock_time_get(_id, _precision, at) {
      view().setBigUint64(at, BigInt(Math.round(performance.now() * 1e6)), true);
      return 0;
    },
    fd_close: () => 8, // EBADF
    fd_seek: () => 8,
    fd_write: () => 8,
    proc_exit(code) {
      throw new CoreError(`the core left with code ${code}`);
    },
  };
}

async function compiled(source) {
  if (source instanceof WebAssembly.Module) return source;
  if (source instanceof ArrayBuffer || ArrayBuffer.isView(source))
    return WebAssembly.compile(source);
  return WebAssembly.compile(await fetched(source));
}

/** The bytes behind a URL, an address relative to the page, or under Node a file: URL. */
export async function fetched(address) {
  const url =
    address instanceof URL
      ? address
      : globalThis.location === undefined
        ? new URL(address, "file:///")
        : new URL(address, globalThis.location.href);
  if (url.protocol === "file:" && globalThis.process?.versions?.node) {
    const { readFile } = await import(/* @vite-ignore */ /* webpackIgnore: true */ "node:fs/promises");
    return new Uint8Array(await readFile(typeof address === "string" && !address.startsWith("file:") ? address : url));
  }
  const response = await fetch(url);
  if (!response.ok) throw new CoreError(`${url}: ${response.status} ${response.statusText}`, "FILE");
  return new Uint8Array(await response.arrayBuffer());
}

async function started(source) {
  const module = await compiled(source);
  const instance = await WebAssembly.instantiate(module, {
    wasi_snapshot_preview1: system(() => instance.exports.memory), // called once there is one
  });
  const core = new Core(instance.exports);
  if (!selfTest(core))
    throw new CoreError("this engine's WebAssembly gives other numbers than it should");
  return core;
}

async function best() {
  if (WebAssembly.validate(RELAXED)) {
    try {
      return await started(new URL("../sketchrnn_relaxed.wasm", import.meta.url));
    } catch (error) {
      if (error.code === "FILE") throw error;
    }
  }
  return started(new URL("../sketchrnn.wasm", import.meta.url));
}

let shared;

/** The core that all nets of this thread share; of another module where one is given. */
export function core(source) {
  if (source !== undefined) return started(source);
  shared ??= best().catch((error) => {
    shared = undefined; // a lost connection may come back
    throw error;
  });
  return shared;
}
