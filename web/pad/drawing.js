// A drawing as the steps that made it: lines of a hand, and continuations that were kept. Kept ones
// are a seed's, so a link that names the steps draws the same picture anywhere.
import { rowsToLines, simplifyLine } from "../src/lines.js";

const TOLERANCE = 2; // of the simplification that the nets' training drawings went through
const MOST_STEPS = 500;
const MOST_NUMBERS = 20_000;
const FARTHEST = 10_000; // of an offset, in data units

function bad(message) {
  throw new Error(`this link is no drawing: ${message}`);
}

/** A latent vector of a link; undefined where there is none. */
function vectorOf(text) {
  if (text === undefined) return undefined;
  if (typeof text !== "string" || text.length > MOST_NUMBERS) bad("a latent vector");
  try {
    const z = new Float32Array(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
    if (z.length > 0 && z.every(Number.isFinite)) return z;
  } catch {
    // no text of bytes, or no whole numbers of four
  }
  return bad("a latent vector");
}

export class Drawing {
  origin = null; // where the first row starts, in data units
  steps = []; // { line: [dx, dy, …] whole numbers }, { object, seed, index, temperature, z? } or { rows }
  marks = []; // number of rows before each step
  rows = []; // stroke-5, without the row that ends

  get strokes() {
    return Float32Array.from(this.rows);
  }
  get length() {
    return this.rows.length / 5;
  }
  /** Where the pen is. */
  get pen() {
    let [x, y] = this.origin ?? [0, 0];
    for (let i = 0; i < this.rows.length; i += 5) {
      x += this.rows[i];
      y += this.rows[i + 1];
    }
    return [x, y];
  }
  get lines() {
    return rowsToLines(this.rows, this.origin ?? [0, 0]);
  }

  /** Adds a hand's line of points; false where it is shorter than the pen is wide. */
  addLine(points) {
    const whole = simplifyLine(points, TOLERANCE).map(([x, y]) => [Math.round(x), Math.round(y)]);
    const line = [];
    // Kept rows end anywhere; what a hand draws starts from the nearest whole unit.
    let [x, y] = this.origin === null ? whole[0] : this.pen.map(Math.round);
    for (const [i, [px, py]] of whole.entries()) {
      if (i === 0 && this.origin === null) continue;
      if (i > 0 && px === x && py === y) continue;
      line.push(px - x, py - y);
      [x, y] = [px, py];
    }
    if (line.length < (this.origin === null ? 2 : 4)) return false;
    this.origin ??= whole[0];
    this.#push({ line });
    return true;
  }

  #push(step, rows) {
    const { line } = step;
    this.marks.push(this.rows.length);
    this.steps.push(step);
    if (line === undefined) {
      this.rows.push(...rows);
      return;
    }
    for (let i = 0; i < line.length; i += 2) {
      const last = i + 2 === line.length;
      this.rows.push(line[i], line[i + 1], last ? 0 : 1, last ? 1 : 0, 0);
    }
  }

  /** Adds what the net drew: all rows of a continuation, whose first ones are those that are here. */
  keep(step, drawing, origin = this.origin) {
    let rows = drawing.strokes.slice(this.rows.length);
    if (drawing.finished) rows = rows.subarray(0, rows.length - 5);
    if (rows.length > 0) rows.set([0, 1, 0], rows.length - 3); // the pen is up where the next line begins
    this.origin ??= origin.map(Math.round);
    this.#push(step, rows);
  }

  /** The whole drawing as rows from elsewhere, without the one that ends. No link can tell it. */
  static of(rows, origin) {
    const drawing = new Drawing();
    drawing.origin = origin.map(Math.round);
    if (rows.length > 0) drawing.#push({ rows: true }, rows);
    return drawing;
  }

  undo() {
    const mark = this.marks.pop();
    const step = this.steps.pop();
    this.rows.length = mark;
    if (mark === 0) this.origin = null;
    return step;
  }

  /** Of the rows, FNV-1a: the same wherever they are drawn again. */
  get hash() {
    let h = 0x811c9dc5;
    for (const byte of new Uint8Array(this.strokes.buffer)) h = Math.imul(h ^ byte, 0x01000193);
    return (h >>> 0).toString(16).padStart(8, "0");
  }

  toLink(net) {
    const steps = this.steps.map((step) =>
      step.line ?? {
        o: step.object, s: String(step.seed), k: step.index, t: step.temperature,
        z: step.z && btoa(String.fromCharCode(...new Uint8Array(step.z.buffer))),
      },
    );
    const text = JSON.stringify({ v: 1, net, at: this.origin, steps, hash: this.hash });
    const bytes = new TextEncoder().encode(text);
    return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  }

  /** The drawing of a link, which anybody may have written. `draw(step, strokes)` asks the net. */
  static async fromLink(text, draw) {
    let said;
    try {
      const raw = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
      said = JSON.parse(new TextDecoder().decode(Uint8Array.from(raw, (c) => c.charCodeAt(0))));
    } catch {
      bad("it was cut or changed");
    }
    const whole = (x) => Number.isSafeInteger(x) && Math.abs(x) <= FARTHEST;
    if (said?.v !== 1) bad("its version is unknown");
    if (!Array.isArray(said.at) || said.at.length !== 2 || !said.at.every(whole)) bad("no place");
    if (!Array.isArray(said.steps) || said.steps.length > MOST_STEPS) bad("its steps");
    const drawing = new Drawing();
    drawing.origin = said.at;
    let numbers = 0;
    for (const step of said.steps) {
      if (Array.isArray(step)) {
        numbers += step.length;
        if (step.length < 2 || step.length % 2 !== 0 || numbers > MOST_NUMBERS || !step.every(whole))
          bad("a line");
        drawing.#push({ line: step });
        continue;
      }
      const { o: object, s, k: index, t: temperature, z } = step ?? {};
      if (typeof object !== "string" || !/^[0-9]{1,20}$/.test(s) || !Number.isSafeInteger(index))
        bad("a continuation");
      if (!Number.isFinite(temperature) || temperature < 0) bad("a temperature");
      const kept = { object, seed: BigInt(s), index, temperature, z: vectorOf(z) };
      drawing.keep(kept, await draw(kept, drawing.strokes));
    }
    return { drawing, same: said.hash === drawing.hash, net: said.net };
  }
}
