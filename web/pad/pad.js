// The pad: what is on the page, and what it does. The drawing itself is drawing.js, the net net.js.
// In a frame of another page (notebook.js) it takes net, drawing and settings from there and tells
// what becomes of them.
import { simplifyLine } from "../src/lines.js";
import { Drawing } from "./drawing.js";
import { gif } from "./gif.js";
import { ask } from "./net.js";
import { density, GHOSTS, linesOf, picture, thumbnail, toSvg, trace, bounds } from "./paint.js";

const UNITS = 360; // a side of the paper in data units; the nets' drawings are about 255 wide
const PEN = 2.4;
const CELLS = 144; // a side of the layer, which reaches from any pen to any edge
const POINTS_A_SECOND = 45; // a hand's pace, in rows
const FRAMES = 200; // of a GIF, at most
const $ = (id) => document.getElementById(id);
const canvas = $("canvas");
const context = canvas.getContext("2d");

let net; // what the worker said of it
let object = "";
let drawing = new Drawing();
let line = null; // points of the line in the making
let ghosts = []; // { step, drawing, origin, skip: rows that are on the paper, born }
let first = null; // strokes of the drawing to morph from
let asked = 0; // counts requests for ghosts: answers to older ones are forgotten
let hovered = -1;
let layer = null; // density of the next point, where it is shown
let replay = null; // when it began

const settings = () => ({
  temperature: Number($("temperature").value),
  seed: BigInt($("seed").value || 0),
  n: Number($("count").value),
});

function say(text) {
  $("status").textContent = text;
}

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

// ---- The paper ----

function resize() {
  const ratio = devicePixelRatio || 1;
  const { width, height } = canvas.getBoundingClientRect();
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  paint();
}

function view() {
  const scale = Math.min(canvas.width, canvas.height) / UNITS;
  return { scale, x: (canvas.width / scale - UNITS) / 2, y: (canvas.height / scale - UNITS) / 2 };
}

function pointAt(event) {
  const box = canvas.getBoundingClientRect();
  const { scale, x, y } = view();
  const ratio = canvas.width / box.width;
  return [
    ((event.clientX - box.left) * ratio) / scale - x,
    ((event.clientY - box.top) * ratio) / scale - y,
  ];
}

let frame = 0;
function paint() {
  if (frame === 0) frame = requestAnimationFrame(painted);
}

function shownRows(ghost, now) {
  const given = ghost.skip;
  const grown = Math.floor(((now - ghost.born) / 1000) * POINTS_A_SECOND) + 1;
  const all = ghost.drawing.strokes.length / 5;
  return { count: Math.min(given + grown, all), all };
}

function painted(now) {
  frame = 0;
  const { scale, x, y } = view();
  context.resetTransform();
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.scale(scale, scale);
  context.translate(x, y);
  context.lineWidth = PEN;
  if (layer !== null) paintLayer();
  let growing = false;
  if (replay === null && line === null)
    ghosts.forEach((ghost, k) => {
      const { count, all } = shownRows(ghost, now);
      growing ||= count < all;
      const { skip } = ghost;
      context.globalAlpha = hovered < 0 ? 0.5 : hovered === k ? 0.95 : 0.12;
      context.strokeStyle = GHOSTS[k];
      trace(context, skip === 0
        ? linesOf(ghost.drawing.strokes, ghost.origin, count)
        : linesAfter(ghost, skip, count));
    });
  context.globalAlpha = 1;
  context.strokeStyle = colour("--ink");
  let rows = drawing.length;
  if (replay !== null) {
    rows = Math.min(rows, Math.floor(((now - replay) / 1000) * POINTS_A_SECOND) + 1);
    if (rows === drawing.length) replay = null;
    growing = true;
  }
  trace(context, linesOf(drawing.strokes, drawing.origin ?? [0, 0], rows));
  if (line !== null) trace(context, [line]);
  if (growing) paint();
}

/** The rows of a ghost behind those that are drawn, whose last one lifted the pen. */
function linesAfter(ghost, skip, count) {
  return linesOf(ghost.drawing.strokes.subarray(5 * skip), drawing.pen, count - skip).map(
    (one, i) => (i === 0 ? one.slice(1) : one),
  ).filter((one) => one.length > 1);
}

function paintLayer() {
  const image = new ImageData(CELLS, CELLS);
  const most = Math.max(...layer);
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  layer.forEach((d, i) => {
    image.data.set(dark ? [255, 196, 87] : [200, 80, 0], 4 * i);
    image.data[4 * i + 3] = 200 * Math.sqrt(d / most);
  });
  const small = new OffscreenCanvas(CELLS, CELLS);
  small.getContext("2d").putImageData(image, 0, 0);
  const [px, py] = drawing.pen;
  context.drawImage(small, px - UNITS, py - UNITS, 2 * UNITS, 2 * UNITS);
}

// ---- The net ----

async function look() {
  layer = null;
  if (!$("layer").checked || drawing.length === 0) return paint();
  const now = asked;
  const distribution = await ask("predict", { object, strokes: drawing.strokes });
  if (now === asked && line === null) layer = density(distribution, 2 * UNITS, CELLS);
  paint();
}

/** Other ways to go on, from the drawing as it is; or whole drawings on the way between two. */
async function think(ends = null) {
  const now = ++asked;
  ghosts = [];
  hovered = -1;
  layer = null;
  show();
  if (net === undefined || (drawing.length === 0 && !wantsWhole && ends === null)) return;
  const { seed, temperature, n } = settings();
  const strokes = ends === null ? drawing.strokes : new Float32Array(0);
  const wanted = { object, seed, temperature, n, strokes, ends };
  try {
    await ask("ghosts", wanted, (k, made) => {
      if (now !== asked || line !== null) return;
      ghosts.push({
        step: { object, seed, index: k, temperature, z: made.z },
        drawing: made,
        origin: (ends === null && drawing.origin) || centred(made),
        skip: strokes.length / 5,
        born: performance.now(),
      });
      if (k === 0) performance.mark("first-ghost");
      show();
    });
    if (now === asked && ends !== null) say(`${ghosts.length} drawings on the way. Keep one by its picture or its number.`);
    else if (now === asked) {
      const done = ghosts.every((ghost) => ghost.drawing.strokes.length / 5 <= drawing.length + 1);
      if (line === null)
        say(
          done
            ? `To the net this ${object} is finished. Draw on, or change the object.`
            : `${ghosts.length} ideas for ${article(object)}. Keep one by its picture or its number.`,
        );
      await look();
    }
  } catch (error) {
    say(error.message);
  }
}
const embedded = parent !== window;
let settled = false; // the page around this one has said how to begin
let wantsWhole = false; // on an empty paper: whole drawings, once asked for

function centred(made) {
  const { x, y, width, height } = bounds(linesOf(made.strokes, [0, 0]));
  return [Math.round(UNITS / 2 - x - width / 2), Math.round(UNITS / 2 - y - height / 2)];
}

const article = (name) =>
  /^the /i.test(name) ? name : `${/^[aeiou]/i.test(name) ? "an" : "a"} ${name}`;

function keep(k) {
  const ghost = ghosts[k];
  if (ghost === undefined) return;
  if (ghost.skip < drawing.length) drawing = new Drawing(); // a whole one takes its place
  drawing.keep(ghost.step, ghost.drawing, ghost.origin);
  say(`Kept idea ${k + 1}. Draw on, or change the object.`);
  changed();
}

/** The drawing is another one: fresh ideas, and an address that no longer holds. */
function changed() {
  replay = null;
  if (location.hash !== "") history.replaceState(null, "", location.pathname);
  if (drawing.length === 0) wantsWhole = false;
  think();
}

// ---- The page ----

/** Tells the page around this one what is drawn, and how. */
function tell() {
  if (!settled) return;
  const { temperature, seed } = settings();
  parent.postMessage({ pad: { strokes: drawing.strokes, object, temperature, seed: String(seed) } }, "*");
}

/** Takes what the page around this one sets; all of it may be missing. */
function set({ strokes, object: name, temperature, seed }) {
  settled = true;
  if (temperature !== undefined) {
    $("temperature").value = temperature;
    $("temperature").dispatchEvent(new Event("input"));
  }
  if (seed !== undefined) $("seed").value = seed;
  if (strokes !== undefined) drawing = Drawing.of(strokes, centred({ strokes }));
  if (name) take(name);
  else changed();
}

function show() {
  tell();
  $("hint").hidden = drawing.length > 0 || ghosts.length > 0 || line !== null;
  $("undo").disabled = $("clear").disabled = drawing.steps.length === 0;
  $("morph").disabled = first === null || drawing.length === 0;
  for (const button of [$("replay"), $("share"), $("morph-from"), ...document.querySelectorAll("[data-save]")])
    button.disabled = drawing.length === 0;
  canvas.setAttribute(
    "aria-label",
    drawing.length === 0
      ? "The paper, empty"
      : `The drawing: ${drawing.lines.length} lines, ${drawing.length} points`,
  );
  const shown = $("ghosts").children.length;
  if (shown > ghosts.length) $("ghosts").replaceChildren();
  ghosts.forEach((ghost, k) => {
    if (k < $("ghosts").children.length) return;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "picture";
    button.dataset.ghost = k;
    button.style.setProperty("--ghost", GHOSTS[k]);
    button.title = `Keep this (${k + 1})`;
    button.setAttribute("aria-label", `Keep idea ${k + 1}, ${ghost.drawing.strokes.length / 5 - ghost.skip} points more`);
    const small = document.createElement("canvas");
    button.append(small);
    button.addEventListener("click", () => keep(k));
    for (const [on, off] of [["pointerenter", "pointerleave"], ["focus", "blur"]]) {
      button.addEventListener(on, () => ((hovered = k), paint()));
      button.addEventListener(off, () => ((hovered = -1), paint()));
    }
    $("ghosts").append(button);
    thumbnail(small, linesOf(ghost.drawing.strokes, ghost.origin), colour("--ink"));
  });
  paint();
}

canvas.addEventListener("pointerdown", (event) => {
  if (event.button !== 0 || net === undefined) return;
  event.preventDefault();
  canvas.setPointerCapture(event.pointerId);
  asked += 1;
  replay = layer = null;
  line = [pointAt(event)];
  show();
});
canvas.addEventListener("pointermove", (event) => {
  if (line === null) return;
  for (const one of event.getCoalescedEvents?.() ?? [event]) line.push(pointAt(one));
  if (event.getCoalescedEvents?.().length === 0) line.push(pointAt(event));
  paint();
});
function lifted(event) {
  if (line === null) return;
  performance.mark("pen-up");
  if (event.type === "pointerup") line.push(pointAt(event));
  const points = simplifyLine(line, 0.25);
  line = null;
  if (drawing.addLine(points)) changed();
  else show();
}
canvas.addEventListener("pointerup", lifted);
canvas.addEventListener("pointercancel", lifted);

function undo() {
  if (drawing.steps.length === 0) return;
  drawing.undo();
  say("Undone.");
  changed();
}
$("undo").addEventListener("click", undo);
$("clear").addEventListener("click", () => {
  drawing = new Drawing();
  say("An empty paper.");
  changed();
});
function again() {
  wantsWhole = true;
  freshSeed();
  think();
}
$("again").addEventListener("click", again);
$("morph-from").addEventListener("click", () => {
  first = drawing.strokes;
  say("This is the first drawing. Clear, draw another, and morph to it.");
  show();
});
$("morph").addEventListener("click", () => think([first, drawing.strokes]));
function playAgain() {
  replay = performance.now();
  paint();
}
$("replay").addEventListener("click", playAgain);

function freshSeed() {
  $("seed").value = crypto.getRandomValues(new Uint32Array(1))[0];
}
$("seed").addEventListener("change", () => {
  if (!/^[0-9]{1,20}$/.test($("seed").value) || BigInt($("seed").value) >= 1n << 64n) freshSeed();
  think();
});
for (const id of ["temperature", "count"]) {
  const shown = () => {
    const value = Number($(id).value);
    $(`${id}-value`).value = id === "count" ? value : value.toFixed(2);
  };
  $(id).addEventListener("input", shown);
  $(id).addEventListener("change", () => think());
  shown();
}
$("layer").addEventListener("change", look);

document.addEventListener("keydown", (event) => {
  if (event.target.matches?.("input[type=text], input[type=search]") || $("objects").open) return;
  const plain = !event.ctrlKey && !event.metaKey && !event.altKey;
  const key = event.key.toLowerCase();
  if ((event.ctrlKey || event.metaKey) && key === "z") undo();
  else if (plain && /^[1-9]$/.test(key)) keep(Number(key) - 1);
  else if (plain && key === "n") again();
  else if (plain && key === "r" && drawing.length > 0) playAgain();
  else if (plain && key === "o") choose();
  else return;
  event.preventDefault();
});

// ---- Objects ----

const pictures = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    if (!isIntersecting) continue;
    pictures.unobserve(target);
    ask("draw", { object: target.dataset.object, strokes: new Float32Array(0), seed: 3, index: 0, temperature: 0.1 })
      .then((made) =>
        thumbnail(target.querySelector("canvas"), linesOf(made.strokes, [0, 0]), colour("--ink")),
      )
      .catch((error) => say(error.message));
  }
});

function fillGrid() {
  $("grid").replaceChildren(
    ...net.objects.map((name) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "picture";
      button.dataset.object = name;
      button.append(document.createElement("canvas"), name);
      button.addEventListener("click", () => {
        $("objects").close();
        take(name);
      });
      pictures.observe(button);
      return button;
    }),
  );
}

function choose() {
  $("search").value = "";
  search();
  for (const button of $("grid").children)
    button.setAttribute("aria-pressed", button.dataset.object === object);
  $("objects").showModal();
}
function search() {
  const wanted = $("search").value.trim().toLowerCase();
  for (const button of $("grid").children)
    button.hidden = !button.dataset.object.toLowerCase().includes(wanted);
}
$("search").addEventListener("input", search);
$("search").addEventListener("keydown", (event) => {
  if (event.key !== "Enter") return;
  event.preventDefault();
  [...$("grid").children].find((button) => !button.hidden)?.click();
});
$("object").addEventListener("click", choose);

function take(name) {
  object = name;
  $("object-name").textContent = name;
  say(`Now it draws ${article(name)}.`);
  think();
}

// ---- Taking it elsewhere ----

function download(blob, suffix) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `${object.replaceAll(" ", "-") || "drawing"}.${suffix}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  say(`Saved as ${link.download}.`);
}

const savers = {
  svg: () => new Blob([toSvg(drawing.lines, object)], { type: "image/svg+xml" }),
  png: () => new Promise((resolve) => picture(drawing.lines).canvas.toBlob(resolve)),
  json() {
    const rows = Array.from({ length: drawing.length }, (_, i) => drawing.rows.slice(5 * i, 5 * i + 5));
    const text = JSON.stringify({ name: object, drawings: [rows] });
    return new Blob([text], { type: "application/json" });
  },
  /** The drawing in the making as a picture that moves, in eight greys. */
  gif() {
    const { canvas: film, paint: painted } = picture(drawing.lines, 480);
    const context = film.getContext("2d");
    const greys = Array.from({ length: 8 }, (_, i) => Array(3).fill(Math.round((255 * i) / 7)));
    const [strokes, origin, rows] = [drawing.strokes, drawing.origin, drawing.length];
    const shown = (count) => {
      painted(linesOf(strokes, origin, count));
      const { data } = context.getImageData(0, 0, film.width, film.height);
      return Uint8Array.from({ length: data.length / 4 }, (_, i) => data[4 * i] >> 5);
    };
    // A long drawing goes faster, so that its file stays small.
    const step = Math.max(2, Math.ceil(rows / FRAMES));
    const frames = [{ image: shown(0), delay: 20 }];
    for (let count = step; count < rows; count += step)
      frames.push({ image: shown(count), delay: Math.round(200 / POINTS_A_SECOND) });
    frames.push({ image: shown(rows), delay: 200 });
    return gif(film.width, film.height, greys, frames);
  },
  /** The drawing in the making, at the hand's pace. */
  webm() {
    const { canvas: film, paint: painted } = picture(drawing.lines, 512);
    if (film.captureStream === undefined || globalThis.MediaRecorder === undefined)
      throw new Error("this browser cannot record a canvas");
    const recorder = new MediaRecorder(film.captureStream(30), { videoBitsPerSecond: 4e6 });
    const parts = [];
    recorder.addEventListener("dataavailable", ({ data }) => parts.push(data));
    const [strokes, origin, rows] = [drawing.strokes, drawing.origin, drawing.length];
    painted([]); // the first frame is the paper
    return new Promise((resolve) => {
      recorder.addEventListener("stop", () => resolve(new Blob(parts, { type: "video/webm" })));
      recorder.start();
      const began = performance.now();
      const next = (now) => {
        const shown = Math.floor(((now - began) / 1000) * POINTS_A_SECOND) + 1;
        painted(linesOf(strokes, origin, Math.min(shown, rows)));
        if (shown < rows + POINTS_A_SECOND / 2) requestAnimationFrame(next);
        else recorder.stop();
      };
      requestAnimationFrame(next);
    });
  },
};
for (const button of document.querySelectorAll("[data-save]"))
  button.addEventListener("click", async () => {
    try {
      if (button.dataset.save === "webm") say("Recording…");
      download(await savers[button.dataset.save](), button.dataset.save);
    } catch (error) {
      say(error.message);
    }
  });

$("share").addEventListener("click", async () => {
  history.replaceState(null, "", `#d=${drawing.toLink(net.name)}`);
  try {
    await navigator.clipboard.writeText(location.href);
    say("The link is in the clipboard: it draws this very picture anywhere.");
  } catch {
    say("The link is in the address bar: it draws this very picture anywhere.");
  }
});

async function shared() {
  if (!location.hash.startsWith("#d=")) return;
  try {
    const text = location.hash.slice(3);
    const again = await Drawing.fromLink(text, (step, strokes) => ask("draw", { ...step, strokes }));
    drawing = again.drawing;
    const last = drawing.steps.findLast((step) => step.object !== undefined);
    if (last !== undefined) {
      $("seed").value = last.seed;
      take(last.object);
    } else think();
    say(again.same ? "The shared drawing, point for point." : "Drawn again, but by another net than it was made with.");
    playAgain();
  } catch (error) {
    say(error.message);
  }
}
addEventListener("hashchange", shared);

/** For tests and for those who script the page. */
globalThis.pad = {
  get drawing() { return drawing; },
  get ghosts() { return ghosts; },
  get net() { return net; },
  get object() { return object; },
  get first() { return first; },
  take, keep,
};

// The first message of the page around this one is the net's file, the others are settings.
const given = new Promise((resolve) => {
  if (!embedded) return;
  $("share").hidden = true; // a frame has no address of its own
  addEventListener("message", ({ source, data }) => {
    if (source !== parent) return;
    if (data.net !== undefined) resolve(data.net);
    if (data.set !== undefined) set(data.set);
  });
  parent.postMessage({ pad: "ready" }, "*");
});

async function start() {
  freshSeed();
  new ResizeObserver(resize).observe(canvas);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
  say("Fetching the net…");
  const source = embedded ? await given : new URL("nets/net.safetensors", location.href).href;
  net = await ask("open", { source, precision: "i8" });
  if (net.objects.length > 0) fillGrid();
  $("morph-row").hidden = net.latentSize === 0;
  $("object").disabled = net.objects.length === 0;
  take(net.objects.includes("cat") ? "cat" : (net.objects[0] ?? ""));
  if (net.objects.length === 0) $("object-name").textContent = net.name;
  say("Ready.");
  if (embedded) parent.postMessage({ pad: "open" }, "*");
  await shared();
}
start().catch((error) => say(`It cannot start: ${error.message}`));
if (!embedded && "serviceWorker" in navigator) navigator.serviceWorker.register("sw.js").catch(() => {});
