// Runs exported nets in the real @magenta/sketch and compares its mixtures with the core's.
//   node verify.js FOLDER          (NODE_PATH says where the package is)
const fs = require('fs');
const path = require('path');
const {SketchRNN} = require('@magenta/sketch');

// Both compute in float32 with sums in other orders, from the same int16 weights. Of numbers up to 1
// absolutely, of larger ones relatively, in the net's units.
const TOLERANCE = 1e-5;
// The package's names; its sigmaY is longer than it should be (slice(4 * NOUT, 15 * NOUT)).
const NAMES = {pi: 'pi', mu_x: 'muX', mu_y: 'muY', sigma_x: 'sigmaX', sigma_y: 'sigmaY',
               rho: 'corr', pen: 'pen'};

function check(stem) {
  const expected = JSON.parse(fs.readFileSync(`${stem}.expected.json`));
  const model = new SketchRNN('');
  model.instantiateFromJSON(...JSON.parse(fs.readFileSync(`${stem}.gen.json`)));
  model.setPixelFactor(1);
  if (Math.abs(model.scaleFactor / expected.scale - 1) > 1e-7) throw Error('scale_factor');
  const start = [...expected.start];
  start[0] *= expected.scale;
  start[1] *= expected.scale;
  let state = model.update(start, model.zeroState());
  let worst = 0;
  let numbers = 0;
  expected.drawing.forEach((row, t) => {
    const pdf = model.getPDF(state, 1.0);  // whose softmax temperature then is 1, too
    for (const [ours, theirs] of Object.entries(NAMES)) {
      expected.mixtures[t][ours].forEach((value, i) => {
        const difference = Math.abs(pdf[theirs][i] - value) / Math.max(1, Math.abs(value));
        if (!(difference < TOLERANCE))
          throw Error(`${expected.name}: row ${t}: ${ours}[${i}]: ${pdf[theirs][i]}, not ${value}`);
        worst = Math.max(worst, difference);
        ++numbers;
      });
    }
    state = model.update(row, state);
  });
  console.log(`  ${expected.name}: ${expected.drawing.length} rows, ${numbers} numbers, ` +
              `largest difference ${worst.toExponential(1)}`);
}

const files = fs.readdirSync(process.argv[2]).filter(f => f.endsWith('.gen.json'));
if (files.length === 0) throw Error('no nets');
for (const file of files) check(path.join(process.argv[2], file.replace('.gen.json', '')));
