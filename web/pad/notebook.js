// The pad as a widget of a notebook (anywidget): its files come from Python with the widget, the page
// runs in a frame, and drawing and settings go both ways. Nothing is fetched from anywhere.

const TYPES = { js: "text/javascript", wasm: "application/wasm", svg: "image/svg+xml" };
const IMPORT = /(\bfrom |\bimport )"(\.{1,2}\/[^"]+)"|new URL\("([^"]+)", import\.meta\.url\)/g;
const decoder = new TextDecoder();

/** Addresses of files in memory, whose modules import each other by such addresses. */
class Site {
  #urls = new Map();

  constructor(files) {
    this.files = files;
  }

  url(name) {
    if (!this.#urls.has(name)) {
      const type = TYPES[name.split(".").pop()];
      this.#urls.set(name, URL.createObjectURL(new Blob([this.#linked(name)], { type })));
    }
    return this.#urls.get(name);
  }

  #linked(name) {
    const data = this.files[name];
    if (data === undefined) throw new Error(`the pad has no file ${name}`);
    if (!name.endsWith(".js")) return data;
    return decoder.decode(data).replaceAll(IMPORT, (_, word, module, asset) => {
      const at = new URL(module ?? asset, `file:///${name}`).pathname.slice(1);
      return word === undefined ? `new URL("${this.url(at)}")` : `${word}"${this.url(at)}"`;
    });
  }

  /** The page, for a frame's srcdoc. */
  page() {
    const page = new DOMParser().parseFromString(decoder.decode(this.files["pad/index.html"]), "text/html");
    page.querySelector("meta[http-equiv]").content =
      "default-src 'none'; script-src blob: 'wasm-unsafe-eval'; worker-src blob:; connect-src blob:; " +
      "style-src 'unsafe-inline'; img-src blob: data:";
    page.querySelector("link[rel=icon]").remove();
    const style = page.createElement("style");
    style.textContent = decoder.decode(this.files["pad/pad.css"]);
    page.querySelector("link[rel=stylesheet]").replaceWith(style);
    page.querySelector("script").src = this.url("pad/pad.js");
    return `<!doctype html>${page.documentElement.outerHTML}`;
  }

  free() {
    for (const url of this.#urls.values()) URL.revokeObjectURL(url);
  }
}

const bytesOf = (view) => new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
const floatsOf = (view) => new Float32Array(bytesOf(view).slice().buffer);
const same = (a, b) => a.length === b.length && a.every((x, i) => x === b[i]);

function render({ model, el }) {
  const site = new Site(model.get("_files"));
  const frame = document.createElement("iframe");
  frame.title = "Sketch-RNN pad";
  frame.style.cssText = "width: 100%; height: 640px; border: 0";
  let told = new Float32Array(0); // the strokes that both sides know

  const send = (message) => frame.contentWindow?.postMessage(message, "*");
  const settings = () => ({
    strokes: floatsOf(model.get("_rows")),
    object: model.get("object"),
    temperature: model.get("temperature"),
    seed: model.get("_seed"),
  });
  const open = () => send({ net: bytesOf(model.get("_net")).slice() });
  const setAll = () => {
    told = settings().strokes;
    send({ set: settings() });
  };
  const setOne = (name, key) => () => {
    const value = settings()[key];
    if (key === "strokes" && same(value, told)) return; // the pad's own, back from Python
    if (key === "strokes") told = value;
    if (key !== "strokes" && value === last[key]) return;
    send({ set: { [key]: value } });
  };
  let last = {}; // what the pad told

  const heard = ({ source, data }) => {
    if (source !== frame.contentWindow || data.pad === undefined) return;
    if (data.pad === "ready") return open();
    if (data.pad === "open") return setAll();
    last = data.pad;
    if (!same(last.strokes, told)) {
      told = last.strokes;
      model.set("_rows", new DataView(told.slice().buffer));
    }
    model.set("object", last.object);
    model.set("temperature", last.temperature);
    model.set("_seed", last.seed);
    model.save_changes();
  };
  const anew = () => (frame.srcdoc = site.page());
  const changes = {
    "change:_rows": setOne("_rows", "strokes"),
    "change:object": setOne("object", "object"),
    "change:temperature": setOne("temperature", "temperature"),
    "change:_seed": setOne("_seed", "seed"),
    "change:_net": anew,
  };
  addEventListener("message", heard);
  for (const [event, then] of Object.entries(changes)) model.on(event, then);
  anew();
  el.append(frame);
  return () => {
    removeEventListener("message", heard);
    for (const [event, then] of Object.entries(changes)) model.off(event, then);
    site.free();
  };
}

export default { render };
