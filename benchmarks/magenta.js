// Draws whole sketches one after another with @magenta/sketch, as its documentation does.
//   node magenta.js NET.gen.json SECONDS MAX_LEN [BACKEND]      (NODE_PATH says where the package is)
// BACKEND: "wasm", that of TensorFlow.js 4 where that is installed. Prints JSON: version, points,
// seconds, the processor's seconds, those a point of the fastest sketch, lengths of the finished ones.
const fs = require('fs');
const {SketchRNN} = require('@magenta/sketch');

const TEMPERATURE = 0.4;
const [path, seconds, maxLength] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
const begun = process.hrtime.bigint();
const elapsed = () => Number(process.hrtime.bigint() - begun) / 1e9;
const processor = () => {
  const {user, system} = process.cpuUsage();
  return (user + system) / 1e6;
};

async function backend(name) {
  if (name !== 'wasm') return;
  const tf = require('@tensorflow/tfjs');
  require('@tensorflow/tfjs-backend-wasm');
  await tf.setBackend(name);
}

function draw(model) {
  let points = 0;
  let fastest = Infinity;
  const lengths = [];
  const [start, spent] = [elapsed(), processor()];
  do {
    const before = processor();
    let state = model.update([0, 0, 0, 0, 0], model.zeroState());
    for (let length = 1; length <= maxLength; ++length) {
      const row = model.sample(model.getPDF(state, TEMPERATURE, TEMPERATURE));
      ++points;
      if (row[4] === 1 || length === maxLength) {
        lengths.push(length);
        fastest = Math.min(fastest, (processor() - before) / length);
        break;
      }
      state = model.update(row, state);
      if (seconds > 0 && elapsed() - start > seconds) break;
    }
  } while (elapsed() - start < seconds);
  return {points, seconds: elapsed() - start, processor: processor() - spent, fastest, lengths};
}

backend(process.argv[5]).then(() => {
  const model = new SketchRNN('');
  model.instantiateFromJSON(...JSON.parse(fs.readFileSync(path)));
  model.setPixelFactor(1);
  const {version} = JSON.parse(
      fs.readFileSync(require.resolve('@magenta/sketch').replace(/sketch\/.*/, 'sketch/package.json')));
  console.log(JSON.stringify({version, ...draw(model)}));
});
