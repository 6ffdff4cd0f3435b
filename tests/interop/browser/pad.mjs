// Drives the pad in a real browser, with a pointer and with keys.
//   node pad.mjs BROWSER EXECUTABLE ADDRESS FOLDER LATENT     BROWSER: chrome or firefox; LATENT: the
//   address of a pad whose net has an encoder
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";

import { resize, until } from "./view.mjs";

const require = createRequire(`${process.env.NODE_FOLDER}/package.json`);
const puppeteer = require("puppeteer-core");
const [kind, executablePath, address, folder, latent] = process.argv.slice(2);
const started = performance.now();
const browser = await puppeteer.launch({
  browser: kind,
  executablePath,
  headless: true,
  args: kind === "chrome" ? ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"] : [],
  protocolTimeout: 120_000,
});
const errors = [];

async function open(url, viewport) {
  const page = await browser.newPage();
  await resize(page, viewport);
  page.on("pageerror", (error) => errors.push(`${error}`));
  page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  page.on("request", (request) => {
    const at = new URL(request.url());
    if (!["data:", "blob:"].includes(at.protocol) && ![address, latent].some((ours) => at.origin === new URL(ours).origin))
      errors.push(`a request leaves the page: ${at}`);
  });
  await page.goto(url, { waitUntil: "domcontentloaded" });
  await ready(page, () => globalThis.pad?.net !== undefined);
  return page;
}
const ready = (page, what, ...given) =>
  until(page, what, ...given).catch(async (error) => {
    const state = await page.evaluate(() =>
      [document.getElementById("status").textContent, pad.ghosts.length, pad.drawing.steps.length].join("; "));
    throw new Error(`${what}: ${error.message}; the page: ${state}; ${errors.join("; ")}`);
  });
const rows = (page) =>
  page.evaluate(() => [...new Uint8Array(pad.drawing.strokes.buffer)].map((b) => b.toString(16).padStart(2, "0")).join(""));
const ghosts = (page, n) => ready(page, (wanted) => pad.ghosts.length === wanted, n);

/** Draws a line through points given as fractions of the paper. */
async function draw(page, points) {
  const box = await (await page.$("#canvas")).boundingBox();
  const at = ([x, y]) => [box.x + x * box.width, box.y + y * box.height];
  await page.mouse.move(...at(points[0]));
  await page.mouse.down();
  for (const point of points.slice(1)) await page.mouse.move(...at(point), { steps: 4 });
  await page.mouse.up();
}
const circle = Array.from({ length: 25 }, (_, i) => [
  0.45 + 0.16 * Math.cos((i * Math.PI) / 12), 0.45 + 0.16 * Math.sin((i * Math.PI) / 12),
]);

const page = await open(address, { width: 1280, height: 860 });
console.log(`  ${kind}: ready after ${Math.round(performance.now() - started)} ms, ` +
  (await page.evaluate(() => `${pad.net.isa}, ${pad.net.precision}, ${pad.net.objects.length} objects`)));
await page.$eval("#seed", (input) => {
  input.value = "12345";
  input.dispatchEvent(new Event("change"));
});

// A line begun: four ghosts come; one is kept.
await draw(page, circle);
await ghosts(page, 4);
assert.ok(await page.evaluate(() => pad.drawing.length > 5));
const latency = await page.evaluate(() => {
  const [up] = performance.getEntriesByName("pen-up").slice(-1);
  return performance.getEntriesByName("first-ghost").slice(-1)[0].startTime - up.startTime;
});
await new Promise((resolve) => setTimeout(resolve, 1500)); // they grow
await page.screenshot({ path: `${folder}/${kind}-desk.png` });
const begun = await page.evaluate(() => pad.drawing.length);
await page.click("#ghosts button:nth-child(2)");
await ready(page, (n) => pad.drawing.length > n, begun);
await ghosts(page, 4);

// Another object in the middle of the drawing, a second line, a ghost by its key.
await page.click("#object");
await page.type("#search", "rabbit");
await page.keyboard.press("Enter");
await ready(page, () => pad.object === "rabbit");
await draw(page, [[0.2, 0.75], [0.5, 0.82], [0.8, 0.75]]);
await ghosts(page, 4);
await page.keyboard.press("1");
await ready(page, () => pad.drawing.steps.length === 4);

// Undo and again; the layer.
await page.click("#undo");
await ready(page, () => pad.drawing.steps.length === 3);
await ghosts(page, 4);
await page.keyboard.press("3");
await ready(page, () => pad.drawing.steps.length === 4);
await page.click("#layer");
await ghosts(page, 4);
await new Promise((resolve) => setTimeout(resolve, 500));
await page.screenshot({ path: `${folder}/${kind}-layer.png` });

// What Python has to draw as well, and the link.
const drawn = await rows(page);
const steps = await page.evaluate(() =>
  pad.drawing.steps.map((s) => s.line ?? { object: s.object, seed: `${s.seed}`, index: s.index, temperature: s.temperature }));
await writeFile(`${folder}/${kind}-steps.json`, JSON.stringify({ steps, strokes: drawn }));
await page.click("#share");
await ready(page, () => location.hash.startsWith("#d="));
const link = await page.evaluate(() => location.href);

// Files.
for (const format of ["svg", "png", "json", "gif", "webm"]) {
  const text = await page.evaluate(
    (wanted) =>
      new Promise((resolve, reject) => {
        const make = URL.createObjectURL;
        URL.createObjectURL = (blob) => {
          const reader = new FileReader();
          reader.onload = () => resolve(reader.result);
          reader.readAsDataURL(blob);
          URL.createObjectURL = make;
          return make.call(URL, blob);
        };
        HTMLAnchorElement.prototype.click = function () {};
        document.querySelector(`[data-save=${wanted}]`).click();
        setTimeout(() => reject(new Error(`nothing was saved: ${document.getElementById("status").textContent}`)), 40_000);
      }),
    format,
  );
  await writeFile(`${folder}/${kind}.${format}`, Buffer.from(text.split(",")[1], "base64"));
}

// Without a network: the service worker has everything.
if (kind === "chrome") {
  await page.evaluate(() => navigator.serviceWorker.ready);
  await ready(page, async () => (await (await caches.open("sketchrnn-pad")).keys()).length > 15);
  await page.setOfflineMode(true);
  await page.goto("about:blank");
  await page.goto(address, { waitUntil: "domcontentloaded" });
  await ready(page, () => globalThis.pad?.net !== undefined);
  await page.setOfflineMode(false);
}

// Accessibility, light and dark.
async function accessible(page, where) {
  await page.evaluate(await readFile(require.resolve("axe-core/axe.min.js"), "utf8"));
  const { violations } = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
  assert.deepEqual(
    violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html.slice(0, 120)).join(" | ")}`), [], where,
  );
}

// A phone, where the link is opened: the same bytes.
const phone = await open(link, { width: 390, height: 844, deviceScaleFactor: 2, hasTouch: kind === "chrome" });
await ready(phone, () => pad.drawing.steps.length === 4);
assert.equal(await rows(phone), drawn, "the link's drawing");
await ghosts(phone, 4);
await new Promise((resolve) => setTimeout(resolve, 2500));
await phone.screenshot({ path: `${folder}/${kind}-phone.png` });
if (kind === "chrome") {
  await accessible(phone, "phone");
  await phone.emulateMediaFeatures([{ name: "prefers-color-scheme", value: "dark" }]);
  await new Promise((resolve) => setTimeout(resolve, 300));
  await phone.screenshot({ path: `${folder}/${kind}-dark.png` });
  await accessible(phone, "dark");
  await phone.click("#object");
  await ready(phone, () => document.querySelectorAll("#grid .picture canvas[width='128']").length > 8);
  await phone.screenshot({ path: `${folder}/${kind}-objects.png` });
  await accessible(phone, "objects");
}
// A link that somebody changed.
await phone.goto("about:blank");
await phone.goto(`${address}#d=e30`, { waitUntil: "domcontentloaded" });
await ready(phone, () => /no drawing/.test(document.querySelector("#status").textContent));

// Two drawings, and four on the way between them; one is kept, and its link draws it again.
assert.ok(await page.evaluate(() => document.getElementById("morph-row").hidden));
const morph = await open(latent, { width: 1280, height: 860 });
await morph.$eval("#seed", (input) => (input.value = "77"));
await draw(morph, circle);
await ghosts(morph, 4);
await morph.click("#morph-from");
await morph.click("#clear");
await draw(morph, [[0.3, 0.3], [0.7, 0.4], [0.3, 0.7], [0.6, 0.8]]);
await ghosts(morph, 4);
const ends = await morph.evaluate((a) => [a, [...pad.drawing.strokes]], await morph.evaluate(() => [...pad.first]));
assert.notDeepEqual(...ends);
await morph.click("#morph");
await ready(morph, () => pad.ghosts.length === 4 && pad.ghosts.every((ghost) => ghost.step.z !== undefined));
await new Promise((resolve) => setTimeout(resolve, 800));
await morph.screenshot({ path: `${folder}/${kind}-morph.png` });
if (kind === "chrome") await accessible(morph, "morph");
const ways = await morph.evaluate(() =>
  pad.ghosts.map(({ step, drawing }) => ({ z: [...step.z], index: step.index, strokes: [...drawing.strokes] })));
await writeFile(`${folder}/${kind}-morph.json`, JSON.stringify({ ends, ways, seed: 77, temperature: 0.3 }));
await morph.keyboard.press("3");
await ready(morph, () => pad.drawing.steps.length === 1 && pad.drawing.steps[0].z !== undefined);
const kept = await rows(morph);
await morph.click("#share");
await ready(morph, () => location.hash.startsWith("#d="));
const again = await open(await morph.evaluate(() => location.href), { width: 390, height: 844 });
await ready(again, () => pad.drawing.steps.length === 1);
assert.equal(await rows(again), kept, "the link of a drawing with a latent vector");

await browser.close();
assert.deepEqual(errors, []);
console.log(`  ${kind}: a drawing, its link, its files; pen up to the first ghost ${latency.toFixed(0)} ms`);
