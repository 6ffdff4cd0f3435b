// Drives net.pad() in a JupyterLab that runs: what a pointer draws in the page arrives in Python, what
// Python sets is drawn in the page, with the bytes of both.
//   node notebook.mjs BROWSER EXECUTABLE ADDRESS FOLDER    ADDRESS: of pad.ipynb; FOLDER: Python's
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

import { boxIn, resize, until as wait } from "./view.mjs";

const require = createRequire(`${process.env.NODE_FOLDER}/package.json`);
const puppeteer = require("puppeteer-core");
const [kind, executablePath, address, folder] = process.argv.slice(2);
const browser = await puppeteer.launch({
  browser: kind,
  executablePath,
  headless: true,
  args: kind === "chrome" ? ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"] : [],
  protocolTimeout: 120_000,
});
const page = await browser.newPage();
await resize(page, { width: 1400, height: 1300 });
const outside = [];
page.on("request", (request) => {
  const at = new URL(request.url());
  if (["http:", "https:"].includes(at.protocol) && at.hostname !== new URL(address).hostname)
    outside.push(`${at}`);
});

await page.goto(address, { waitUntil: "domcontentloaded" });
await wait(page, () => document.querySelectorAll(".jp-Notebook .jp-Cell").length === 3);
const run = async () => {
  await page.evaluate(() => globalThis.jupyterapp.commands.execute("notebook:run-cell-and-select-next"));
};
const ran = (cell) =>
  wait(page, (k) => /\[\d+\]/.test(document.querySelectorAll(".jp-Notebook .jp-InputPrompt")[k]?.textContent), cell);
await wait(page, () => globalThis.jupyterapp?.commands.hasCommand("notebook:run-cell-and-select-next"));
// Its indicator says "idle" before there is a kernel, too: a cell run then asks which kernel to take.
await wait(page, () => {
  const kernel = globalThis.jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel;
  return kernel?.connectionStatus === "connected" && kernel.status === "idle";
});
await run();
await ran(0);
const element = await page.waitForSelector('iframe[title="Sketch-RNN pad"]', { timeout: 90_000 });
const frame = await element.contentFrame();
await wait(frame, () => globalThis.pad?.net !== undefined && document.getElementById("seed").value === "12345");
const rows = () =>
  frame.evaluate(() => [...new Uint8Array(pad.drawing.strokes.buffer)].map((b) => b.toString(16).padStart(2, "0")).join(""));
const file = async (name) => (await readFile(`${folder}/${name}`)).toString("hex");

// Drawn in the page, known in Python.
const canvas = await frame.waitForSelector("#canvas");
await canvas.scrollIntoView();
const box = await boxIn(element, canvas);
const at = (i) => [
  box.x + box.width * (0.45 + 0.16 * Math.cos((i * Math.PI) / 12)),
  box.y + box.height * (0.45 + 0.16 * Math.sin((i * Math.PI) / 12)),
];
await page.mouse.move(...at(0));
await page.mouse.down();
for (let i = 1; i < 25; ++i) await page.mouse.move(...at(i), { steps: 3 });
await page.mouse.up();
await wait(frame, () => pad.ghosts.length === 4);
await frame.evaluate(() => pad.keep(1));
await wait(frame, () => pad.ghosts.length === 4);
const drawn = await rows();
assert.ok(drawn.length > 2 * 20 * 10, "a drawing");
await page.screenshot({ path: `${folder}/notebook-${kind}.png` });
await run();
await ran(1);
assert.ok((await file("drawn.bin")) === drawn, "what was drawn is in Python");

// Set in Python, drawn in the page.
await run();
await ran(2);
await wait(frame, () => document.getElementById("temperature").value === "0.6");
const set = await file("set.bin");
await wait(frame, (bytes) => pad.drawing.strokes.byteLength === bytes, set.length / 2);
assert.ok((await rows()) === set, "what Python set is drawn");
assert.deepEqual(outside, [], "requests that leave the machine");
console.log(`  ${kind}: ${drawn.length / 40} rows drawn in the page, ${set.length / 40} set in Python, the same bytes`);
await browser.close();
