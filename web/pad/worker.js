// The net, away from the page's own thread. A message { id, kind, … } is answered by { id, … }; asking
// for ghosts again stops those that are still to come.
import { between, load } from "../index.js";

let net;
let made; // the last one that was drawn with, by its object's name
let newest = 0;

/** The net of an object; made once for as long as it stays the same. */
function of(object) {
  if (net.objects.length === 0 || object === "") return net;
  if (made?.name !== object) {
    made?.net.free();
    made = { name: object, net: net.of(object) };
  }
  return made.net;
}

const pause = () => new Promise((resolve) => setTimeout(resolve, 0));

const answers = {
  async open({ source, precision }) {
    net?.free();
    net = made = undefined;
    net = await load(source, { precision });
    return {
      name: net.name, objects: net.objects, precision: net.precision, isa: net.isa,
      hiddenSize: net.hiddenSize, latentSize: net.latentSize,
    };
  },
  draw({ object, strokes, seed, index, temperature, z }) {
    const one = of(object);
    return strokes.length === 0
      ? one.draw({ seed, index, temperature, z })
      : one.complete(strokes, { seed, index, temperature, z })[0];
  },
  predict({ object, strokes }) {
    return of(object).predict(strokes);
  },
  /** Drawing k of the seed for each ghost, sent as soon as it is there. */
  async ghosts(asked) {
    newest = asked.id;
    // Where two drawings are given, whole ones on the way from one to the other.
    const [a, b] = (asked.ends ?? []).map((strokes) => net.encode(strokes));
    for (let k = 0; k < asked.n; ++k) {
      const z = a && between(a, b, asked.n > 1 ? k / (asked.n - 1) : 0.5);
      const drawing = answers.draw({ ...asked, index: k, z });
      postMessage({ id: asked.id, k, drawing: { ...drawing, z } });
      await pause(); // what has come meanwhile goes first
      if (newest !== asked.id) return { stopped: true };
    }
    return {};
  },
};

addEventListener("message", async ({ data }) => {
  try {
    postMessage({ id: data.id, done: await answers[data.kind](data) });
  } catch (error) {
    postMessage({ id: data.id, error: error.message });
  }
});
