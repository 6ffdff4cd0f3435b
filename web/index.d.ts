/** In which numbers the recurrent product is computed: exact, 16-bit or 8-bit integers. */
export type Precision = "f32" | "i16" | "i8";

/** A drawing: stroke-5, 5 numbers a row (dx, dy, pen down, pen up, end), offsets in data units with y
 * downwards, and whether it ended by itself before `maxLen`. */
export interface Drawing {
  strokes: Float32Array;
  finished: boolean;
}

export interface LoadOptions {
  /** "f32" if not given. */
  precision?: Precision;
  /** Of a net of many objects, which to draw. */
  object?: string;
  /** The engine's module where it does not lie beside this package: bytes, an address, or compiled. */
  wasm?: WebAssembly.Module | BufferSource | string | URL;
}

export interface StateOptions {
  /** 64 bits, a whole number up to 2^53 or a BigInt; a fresh one if not given. */
  seed?: number | bigint;
  /** Number of the drawing among those of the seed. */
  index?: number | bigint;
  /** Of a net with an encoder, its latent vector; for several drawings one for all, or one for each
   * in a row. If not given, drawing `index` of the seed has one of its own. */
  z?: Float32Array | number[];
}

export interface DrawOptions extends StateOptions {
  /** τ of eq. 8 (Ha & Eck 2017), finite and at least 0; 0.4 if not given. */
  temperature?: number;
  /** The same for component and pen alone. */
  softmaxTemperature?: number;
  /** Rows at most, given ones included; the net's own limit if not given. */
  maxLen?: number;
}

/** The distribution of the next movement at temperature 1, in data units (eq. 3 to 7). */
export interface Distribution {
  /** Probabilities that the pen stays down, lifts, and that the drawing ends. */
  pen: Float64Array;
  pi: Float64Array;
  muX: Float64Array;
  muY: Float64Array;
  sigmaX: Float64Array;
  sigmaY: Float64Array;
  rho: Float64Array;
}

/** Where a drawing lies among latent vectors, N(mu, sigma^2) (eq. 2). */
export interface Posterior {
  mu: Float32Array;
  sigma: Float32Array;
}

/** The LSTM's h and c. */
export interface Hidden {
  h: Float32Array;
  c: Float32Array;
}

/** Opens a net: bytes or an address of a .safetensors of this project or of a public .gen.json.
 *
 * Rejects with an Error that names the field, what was expected and what was found; its `code` is the
 * core's ("WEIGHTS", "ARGUMENT", …). */
export function load(
  source: BufferSource | string | URL | Response,
  options?: LoadOptions,
): Promise<Net>;

/** A net; made by load(). */
export class Net {
  private constructor();
  readonly name: string;
  readonly precision: Precision;
  /** The instruction set that runs: "wasm" or "wasm_relaxed". */
  readonly isa: string;
  readonly hiddenSize: number;
  readonly mixtures: number;
  readonly maxLen: number;
  readonly scaleFactor: number;
  /** How many numbers a latent vector has; 0 for a net without an encoder. */
  readonly latentSize: number;
  /** Names of the objects of a net of many; else empty. */
  readonly objects: string[];
  /** A text of the file's metadata, null where there is none. */
  metadata(key: string): string | null;
  /** The same net drawing another of its objects, over the same memory; to be freed as well. */
  of(object: string): Net;
  draw(options?: DrawOptions): Drawing;
  /** Drawings index, index + 1, … of the seed. */
  drawMany(n: number, options?: DrawOptions): Drawing[];
  /** Continues a started drawing `n` ways (1 if not given): whole drawings, the given rows first. */
  complete(strokes: Float32Array | number[][], options?: DrawOptions & { n?: number }): Drawing[];
  state(options?: StateOptions): State;
  predict(strokes?: Float32Array | number[][], options?: { z?: Float32Array | number[] }): Distribution;
  /** The latent vector mu of a drawing, by a net with an encoder; all its rows are read. */
  encode(strokes: Float32Array | number[][]): Float32Array;
  posterior(strokes: Float32Array | number[][]): Posterior;
  /** Gives the memory back. Forgotten nets are freed in time too. */
  free(): void;
}

/** One drawing in the making; made by net.state(). Its steps are the rows of net.draw(). */
export class State {
  private constructor();
  readonly net: Net;
  /** Movements so far. */
  readonly position: number;
  readonly finished: boolean;
  /** Takes rows in as if they had been drawn. */
  feed(strokes: Float32Array | number[][]): this;
  /** Draws the next movement: a row of 5 numbers. */
  step(temperature?: number): Float32Array;
  predict(): Distribution;
  /** 3 + 6M head outputs in the net's units: logits, log σ, atanh ρ. */
  predictRaw(): Float32Array;
  /** h and c; with an argument, goes on from those. */
  hidden(given?: Hidden): Hidden;
  copy(): State;
  reset(options?: StateOptions): this;
  free(): void;
}

/** The latent vector at `t` (0: a, 1: b) of the way from `a` to `b`, at an even angle. */
export function between(a: Float32Array, b: Float32Array, t: number): Float32Array;

/** Ramer–Douglas–Peucker: the points of a line that matter by more than `tolerance` (2). */
export function simplifyLine(line: number[][], tolerance?: number): number[][];

export interface StrokePDF {
  pi: Float32Array;
  muX: Float32Array;
  muY: Float32Array;
  sigmaX: Float32Array;
  sigmaY: Float32Array;
  corr: Float32Array;
  pen: Float32Array;
}

/** The net of @magenta/sketch by its own method names. */
export class SketchRNN {
  constructor(checkpointURL: string | URL | BufferSource, options?: LoadOptions);
  info: {
    max_seq_len: number;
    mode: number;
    name: string;
    scale_factor: number;
    version: number;
  };
  numUnits: number;
  pixelFactor: number;
  scaleFactor: number;
  isInitialized(): boolean;
  initialize(): Promise<void>;
  dispose(): void;
  setPixelFactor(scale: number): void;
  zeroState(): Hidden;
  copyState(state: Hidden): Hidden;
  zeroInput(): number[];
  update(stroke: number[], state: Hidden): Hidden;
  updateStrokes(strokes: number[][], state: Hidden, steps?: number): Hidden;
  getPDF(state: Hidden, temperature?: number, softmaxTemperature?: number): StrokePDF;
  sample(pdf: StrokePDF): number[];
  simplifyLine(line: number[][], tolerance?: number): number[][];
  simplifyLines(lines: number[][][], tolerance?: number): number[][][];
  lineToStroke(line: number[][], lastPoint: number[]): number[][];
  linesToStroke(lines: number[][][]): number[][];
}
