// Draws whole sketches one after another with @magenta/sketch, as its documentation does.
//   node magenta.js NET.gen.json SECONDS MAX_LEN      (NODE_PATH says where the package is)
// Prints JSON: version, points, seconds, lengths of the finished sketches.
const fs = require('fs');
const {SketchRNN} = require('@magenta/sketch');

const TEMPERATURE = 0.4;
const [path, seconds, maxLength] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
const model = new SketchRNN('');
model.instantiateFromJSON(...JSON.parse(fs.readFileSync(path)));
model.setPixelFactor(1);

let points = 0;
const lengths = [];
const start = process.hrtime.bigint();
const elapsed = () => Number(process.hrtime.bigint() - start) / 1e9;
do {
  let state = model.update([0, 0, 0, 0, 0], model.zeroState());
  for (let length = 1; length <= maxLength; ++length) {
    const row = model.sample(model.getPDF(state, TEMPERATURE, TEMPERATURE));
    ++points;
    if (row[4] === 1 || length === maxLength) {
      lengths.push(length);
      break;
    }
    state = model.update(row, state);
    if (seconds > 0 && elapsed() > seconds) break;
  }
} while (elapsed() < seconds);
const version = JSON.parse(
    fs.readFileSync(require.resolve('@magenta/sketch').replace(/sketch\/.*/, 'sketch/package.json'))).version;
console.log(JSON.stringify({version, points, seconds: elapsed(), lengths}));
