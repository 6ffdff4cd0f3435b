// The package under Node: the bytes that Python draws, the core's messages, by each of its modules.
//   node bits.mjs FOLDER PACKAGE
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";

const [folder, home] = process.argv.slice(2);
const { load, SketchRNN } = await import(pathToFileURL(`${home}/index.js`));
const { hashes, EXPECTED } = await import(pathToFileURL(`${home}/src/self_test.js`));
const json = async (name) => JSON.parse(await readFile(`${folder}/${name}`, "utf8"));
const rows = (hex) => new Float32Array(new Uint8Array(Buffer.from(hex, "hex")).buffer);
const hex = (strokes) => Buffer.from(strokes.buffer, strokes.byteOffset, strokes.byteLength).toString("hex");

async function same(job, wasm, counts) {
  const all = await load(await readFile(`${folder}/${job.file}`), { precision: job.precision, wasm });
  const where = `${job.file} ${job.precision} ${all.isa}`;
  counts.isa = all.isa;
  for (const { object, seed, index, temperature, strokes } of job.draw) {
    const net = object === null ? all : all.of(object);
    const options = { seed: BigInt(seed), index, temperature };
    const drawn = net.draw({ ...options, maxLen: 80 });
    assert.equal(hex(drawn.strokes), strokes, `${where}: draw of seed ${seed}`);
    const state = net.state(options);
    const copies = [];
    while (!state.finished && state.position < 80) copies.push(...state.step(temperature));
    assert.equal(hex(Float32Array.from(copies)), strokes, `${where}: state of seed ${seed}`);
    assert.equal(drawn.finished, state.finished);
    state.free();
    if (net !== all) net.free();
    counts.drawings += 2;
  }
  for (const { object, seed, temperature, given, strokes } of job.complete) {
    const net = object === null ? all : all.of(object);
    const made = net.complete(rows(given), { n: strokes.length, seed: BigInt(seed), temperature });
    assert.deepEqual(made.map((d) => hex(d.strokes)), strokes, `${where}: complete, seed ${seed}`);
    counts.drawings += made.length;
  }
  if (job.predict !== undefined) {
    const { given, ...parts } = job.predict;
    const predicted = all.predict(rows(given));
    // Python's softmax, exp and tanh are NumPy's, here they are the C library's: the last places of
    // float64. Weights of float32 leave 1e-6 in either.
    for (const [name, numbers] of Object.entries(parts))
      numbers.forEach((x, i) =>
        assert.ok(Math.abs(predicted[name][i] - x) <= 1e-6 * Math.max(1, Math.abs(x)), `${where}: ${name}[${i}]`),
      );
  }
  if (job.latent !== undefined) {
    const { given, mu, sigma, two, one, each, complete } = job.latent;
    const options = { seed: 9, temperature: 0.5, maxLen: 60 };
    const posterior = all.posterior(rows(given));
    assert.equal(hex(posterior.mu), mu, `${where}: mu`);
    assert.equal(hex(posterior.sigma), sigma, `${where}: sigma`);
    const z = all.encode(rows(given));
    assert.deepEqual([z.length, hex(z)], [all.latentSize, mu]);
    const strokes = (drawings) => drawings.map((d) => hex(d.strokes));
    assert.deepEqual(strokes(all.drawMany(3, { ...options, z })), one, `${where}: draw of z`);
    assert.deepEqual(strokes(all.drawMany(2, { ...options, z: rows(two) })), each, `${where}: of two`);
    assert.deepEqual(strokes(all.complete(rows(given).subarray(0, 20), { n: 2, ...options, z: [...z] })), complete);
    const state = all.state({ seed: 9, z });
    const drawn = [];
    while (!state.finished && state.position < 60) drawn.push(...state.step(0.5));
    assert.equal(hex(Float32Array.from(drawn)), one[0], `${where}: state of z`);
    assert.notDeepEqual(all.predict(undefined, { z }).pi, all.predict(undefined, { z: z.map((x) => -x) }).pi);
    assert.throws(() => all.draw({ z: z.subarray(1) }), /z: /);
    assert.throws(() => all.draw({ z: "z" }), /z: expected a Float32Array/);
    counts.drawings += 8;
  } else {
    assert.throws(() => all.encode(new Float32Array(5)), /encoder/);
    assert.throws(() => all.draw({ z: [1, 2] }), /^SketchRNNError: z: this net has no latent vector/);
  }
  const state = all.state({ seed: 5 });
  for (let i = 0; i < 5 && !state.finished; ++i) state.step(0.3);
  const at = state.hidden();
  const other = all.state({ seed: 1 });
  other.hidden(at);
  assert.deepEqual(other.predictRaw(), state.predictRaw(), `${where}: hidden`);
  const copy = state.copy();
  if (!copy.finished) assert.deepEqual(copy.step(0.5), state.step(0.5));
  all.free();
  all.free();
  assert.throws(() => all.draw(), /freed/);
  assert.ok(Number.isFinite(other.predict().pen[0])); // a state outlives its net
  for (const one of [state, other, copy]) one.free();
}

async function refusals(wasm) {
  let count = 0;
  for (const { file, error } of await json("broken.json")) {
    await assert.rejects(load(await readFile(file), { wasm }), (thrown) => {
      assert.ok(thrown instanceof Error);
      assert.equal(thrown.code, "WEIGHTS", `${file}: ${thrown.message}`);
      assert.equal(thrown.message.replace(/^memory: /, ""), error, file);
      return true;
    });
    count += 1;
  }
  const net = await load(await readFile(`${folder}/made7.safetensors`), { wasm });
  const bad = [
    [() => net.draw({ temperature: -1 }), /temperature/],
    [() => net.draw({ temperature: NaN }), /temperature/],
    [() => net.draw({ seed: 2 ** 60 }), /seed.*BigInt/],
    [() => net.draw({ seed: -1 }), /seed/],
    [() => net.draw({ seed: 1n << 64n }), /seed/],
    [() => net.draw({ maxLen: 1.5 }), /maxLen/],
    [() => net.complete([[0, 0, 1, 1, 0]]), /row 0/],
    [() => net.complete(new Float32Array(7)), /5 numbers/],
    [() => net.complete("x"), /Float32Array/],
    [() => net.state({ seed: 1 }).feed([[Infinity, 0, 1, 0, 0]]), /row 0/],
    [() => net.of("cat"), /object/],
  ];
  for (const [call, message] of bad) assert.throws(call, message);
  await assert.rejects(load(new Uint8Array(3), { wasm }), /at least 8 bytes/);
  await assert.rejects(load("x", { precision: "f16" }), /precision/);
  await assert.rejects(load(null), /bytes or an address/);
  await assert.rejects(load(new TextEncoder().encode("[1]          "), { wasm }), /\[info, shapes, blobs\]/);
  return count + bad.length + 4;
}

async function magenta() {
  // The names of @magenta/sketch, over the same net's states.
  const bytes = await readFile(`${folder}/pig.safetensors`);
  const net = await load(bytes);
  const model = new SketchRNN(bytes);
  await model.initialize();
  model.setPixelFactor(1);
  let state = model.update(model.zeroInput(), model.zeroState());
  const ours = net.state({ seed: 3 });
  for (let i = 0; i < 8; ++i) {
    const pdf = model.getPDF(state, 1, 1);
    const p = ours.predict();
    pdf.pi.forEach((x, k) => assert.ok(Math.abs(x - p.pi[k]) < 1e-6));
    pdf.sigmaX.forEach((x, k) => assert.ok(Math.abs(x * net.scaleFactor / p.sigmaX[k] - 1) < 1e-5));
    const row = ours.step(0.4);
    const kept = model.copyState(state);
    state = model.update([...row], state);
    assert.deepEqual(model.update([...row], kept), state);
    assert.equal(model.sample(pdf).length, 5);
  }
  assert.deepEqual(ours.hidden(), state);
  assert.deepEqual(model.linesToStroke([[[1, 2], [3, 4]], [[5, 5], [6, 8]]]), [
    [2, 2, 0, 1, 0], [2, 1, 1, 0, 0], [1, 3, 0, 1, 0], [0, 0, 0, 0, 1],
  ]);
  assert.deepEqual(model.simplifyLine([[0, 0], [5, 0.1], [10, 0], [10, 10]]), [[0, 0], [10, 0], [10, 10]]);
  model.dispose();
}

const jobs = await json("expected.json");
for (const name of ["sketchrnn", "sketchrnn_relaxed"]) {
  let module;
  try {
    module = await WebAssembly.compile(await readFile(`${home}/${name}.wasm`));
  } catch (error) {
    console.log(`SKIPPED browser: ${name}.wasm: Node ${process.version}: ${error.message.slice(0, 90)}`);
    continue;
  }
  const counts = { drawings: 0 };
  for (const job of jobs) await same(job, module, counts);
  console.log(`  ${name}.wasm (${counts.isa}): ${counts.drawings} drawings, Python's bytes; ${await refusals(module)} refusals`);
  const core = (await load(await readFile(`${folder}/made7.safetensors`), { wasm: module })).core;
  assert.deepEqual(hashes(core), EXPECTED);
}
await magenta();
console.log("  @magenta/sketch's names: all checks passed");
