// Runs nets with an encoder in the real sketch-rnn-js and compares its numbers with the core's.
//   node verify.js sketch_rnn.js FOLDER          (NODE_PATH says where numjs is)
const fs = require('fs');
const path = require('path');
const vm = require('vm');

// Float32 sums in other orders, over some fifty steps, from the same int16 weights. Of numbers up to
// 1 absolutely, of larger ones relatively, in the net's units.
const TOLERANCE = 2e-5;

// numjs wants a compiled module for pictures, of which nothing is used here.
const Module = require('module');
const load = Module._load;
Module._load = (name, ...rest) => name === 'sharp' ? {} : load(name, ...rest);
globalThis.nj = require('numjs');
globalThis.module = undefined;  // as in a browser
const quiet = console.log;
vm.runInThisContext(fs.readFileSync(process.argv[2], 'utf8') + '\n;globalThis.SketchRNN = SketchRNN;',
                    {filename: process.argv[2]});

function check(stem) {
  const expected = JSON.parse(fs.readFileSync(`${stem}.expected.json`));
  console.log = () => {};
  const model = new globalThis.SketchRNN(JSON.parse(fs.readFileSync(`${stem}.vae.json`)));
  console.log = quiet;
  model.set_pixel_factor(1);
  let worst = 0;
  let numbers = 0;
  const same = (what, found, wanted) => {
    if (found.length !== wanted.length) throw Error(`${what}: ${found.length} numbers`);
    wanted.forEach((value, i) => {
      const difference = Math.abs(found[i] - value) / Math.max(1, Math.abs(value));
      if (!(difference < TOLERANCE)) throw Error(`${expected.name}: ${what}[${i}]: ${found[i]}, not ${value}`);
      worst = Math.max(worst, difference);
      ++numbers;
    });
  };
  for (const job of expected.drawings) {
    const [mu, sigma] = model.encode_to_mu_sigma(job.drawing);
    same('mu', mu.tolist(), job.mu);
    same('sigma', sigma.tolist(), job.sigma);
    let state = model.get_init_state_from_latent_vector(job.mu);
    state = model.update(model.zero_input(), state, job.mu);
    same('h', state[0].tolist(), job.h);
    same('c', state[1].tolist(), job.c);
    job.drawing.forEach((row, t) => {
      const pdf = model.get_pdf(state);
      const list = pdf.map((part) => Array.isArray(part) ? part : part.tolist());
      const wanted = job.mixtures[t];
      same(`row ${t}: mu_x`, list[1], wanted.mu_x);
      same(`row ${t}: mu_y`, list[2], wanted.mu_y);
      same(`row ${t}: sigma_x`, list[3], wanted.sigma_x);
      same(`row ${t}: sigma_y`, list[4], wanted.sigma_y);
      same(`row ${t}: rho`, list[5], wanted.rho);
      same(`row ${t}: pi`, list[0], wanted.pi);
      same(`row ${t}: pen`, list[6], wanted.pen);
      state = model.update(row, state, job.mu);
    });
  }
  console.log(`  ${expected.name}: ${numbers} numbers, largest difference ${worst.toExponential(1)}`);
}

const files = fs.readdirSync(process.argv[3]).filter((f) => f.endsWith('.vae.json'));
if (files.length === 0) throw Error('no nets');
for (const file of files) check(path.join(process.argv[3], file.replace('.vae.json', '')));
