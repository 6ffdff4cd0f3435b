// The net of @magenta/sketch 0.2.0 by its own method names, so that an existing sketch changes one
// import: new SketchRNN(address), initialize(), then states and mixtures that the program keeps.
//
// What differs: weights may be .safetensors too; zeroInput() is the net's own start token (the public
// nets want zeros, which @magenta/sketch does not give them), and sigmaY has as many numbers as sigmaX.
import { lineToRows, simplifyLine } from "./lines.js";
import { load } from "./net.js";

function category(probabilities) {
  const x = Math.random();
  let sum = 0;
  for (let i = 0; i < probabilities.length; ++i) {
    sum += probabilities[i];
    if (sum >= x) return i;
  }
  return probabilities.indexOf(Math.max(...probabilities)); // rounding left the sum below 1
}

function normal() {
  return Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
}

function softmax(logits, temperature) {
  const largest = Math.max(...logits);
  const weights = Float32Array.from(logits, (x) => Math.exp((x - largest) / temperature));
  const sum = weights.reduce((a, b) => a + b, 0);
  return weights.map((x) => x / sum);
}

export class SketchRNN {
  #net;
  #state; // one, that is put where a call wants it
  #start; // h and c after the start token

  constructor(checkpointURL, options = {}) {
    this.checkpointURL = checkpointURL;
    this.options = options;
    this.initialized = false;
  }

  isInitialized() {
    return this.initialized;
  }

  async initialize() {
    this.dispose();
    this.#net = await load(this.checkpointURL, this.options);
    this.#state = this.#net.state({ seed: 0 });
    this.#start = this.#state.hidden();
    this.info = {
      max_seq_len: this.#net.maxLen,
      mode: 2,
      name: this.#net.name,
      scale_factor: this.#net.scaleFactor,
      version: 6,
    };
    this.numUnits = this.#net.hiddenSize;
    this.setPixelFactor(2); // as there
    this.initialized = true;
  }

  dispose() {
    this.#state?.free();
    this.#net?.free();
    this.#state = this.#net = undefined;
    this.initialized = false;
  }

  setPixelFactor(scale) {
    this.pixelFactor = scale;
    this.scaleFactor = this.info.scale_factor / scale;
  }

  zeroState() {
    return { c: new Float32Array(this.numUnits), h: new Float32Array(this.numUnits) };
  }

  copyState(state) {
    return { c: state.c.slice(), h: state.h.slice() };
  }

  zeroInput() {
    return JSON.parse(this.#net.metadata("start_token") ?? "[0,0,0,0,0]");
  }

  update(stroke, state) {
    return this.updateStrokes([stroke], state);
  }

  updateStrokes(strokes, state, steps = strokes.length) {
    const same = (row, other) => row.every((x, i) => x === other[i]);
    let from = 0;
    if (steps > 0 && same(strokes[0], this.zeroInput()) && state.c.every((x) => x === 0)) {
      state = this.#start;
      from = 1;
    }
    this.#state.hidden(state);
    const rows = new Float32Array(5 * (steps - from));
    for (let i = from; i < steps; ++i) {
      const [dx, dy, ...pen] = strokes[i];
      rows.set([dx * this.pixelFactor, dy * this.pixelFactor, ...pen], 5 * (i - from));
    }
    return this.#state.feed(rows).hidden();
  }

  getPDF(state, temperature = 0.65, softmaxTemperature = 0.5 + 0.5 * temperature) {
    this.#state.hidden(state);
    const z = this.#state.predictRaw();
    const m = this.#net.mixtures;
    const part = (i) => z.slice(3 + i * m, 3 + (i + 1) * m);
    const sigma = (x) => Math.exp(x) * Math.sqrt(temperature);
    return {
      pi: softmax(part(0), softmaxTemperature),
      muX: part(1),
      muY: part(2),
      sigmaX: part(3).map(sigma),
      sigmaY: part(4).map(sigma),
      corr: part(5).map(Math.tanh),
      pen: softmax(z.slice(0, 3), softmaxTemperature),
    };
  }

  sample(pdf) {
    const k = category(pdf.pi);
    const pen = [0, 0, 0];
    pen[category(pdf.pen)] = 1;
    const [a, b] = [normal(), normal()];
    const rho = pdf.corr[k];
    const dx = pdf.muX[k] + pdf.sigmaX[k] * a;
    const dy = pdf.muY[k] + pdf.sigmaY[k] * (rho * a + Math.sqrt(1 - rho * rho) * b);
    return [dx * this.scaleFactor, dy * this.scaleFactor, ...pen];
  }

  simplifyLine(line, tolerance = 2) {
    // Points nearer than that to the last one kept are dropped first, but for the end of the line.
    const kept = [];
    line.forEach((point, i) => {
      const last = kept[kept.length - 1];
      const far = i === 0 || Math.hypot(point[0] - last[0], point[1] - last[1]) >= tolerance;
      if (far || i === line.length - 1) kept.push(point);
    });
    return simplifyLine(kept, tolerance);
  }

  simplifyLines(lines, tolerance = 2) {
    return lines.map((line) => this.simplifyLine(line, tolerance));
  }

  lineToStroke(line, lastPoint) {
    return lineToRows(line, lastPoint);
  }

  linesToStroke(lines) {
    const rows = [];
    let at = [0, 0];
    for (const line of lines) {
      if (line.length < 2) continue;
      rows.push(...lineToRows(line, at));
      at = line[line.length - 1];
    }
    return [...rows, [0, 0, 0, 0, 1]].slice(1);
  }
}
