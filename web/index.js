// Sketch-RNN in JavaScript. The engine is the project's core, compiled to WebAssembly: one seed gives
// the bits that Python gives.
export { load, Net, State } from "./src/net.js";
export { SketchRNN } from "./src/magenta.js";
export { between } from "./src/latent.js";
export { simplifyLine } from "./src/lines.js";
