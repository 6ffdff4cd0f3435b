// The engine in WebAssembly, one stream and many: in Node and in browsers; beside it the native one and
// @magenta/sketch, as npm installs it and with TensorFlow.js 4 on WebAssembly, in turns in one run.
//   node benchmarks/web.mjs [--net pig] [--rounds 3] [--seconds 2] [--json FILE]
//
// PYTHON is one that has sketchrnn (python3). What else it takes comes from npm and stays in build/web;
// CHROMIUM and FIREFOX are names of programs. What is not to be had is said and left out. The fastest
// of many drawings, in processor time where there is such a clock (not in a page), which what else runs
// on the machine changes least.
import { execFile, execFileSync, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { cpus, loadavg, tmpdir } from "node:os";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";

const run = promisify(execFile);
const { values: given } = parseArgs({
  options: {
    net: { type: "string", default: "pig" },
    rounds: { type: "string", default: "3" },
    seconds: { type: "string", default: "2" },
    json: { type: "string" },
  },
});
const seconds = Number(given.seconds);
const root = fileURLToPath(new URL("..", import.meta.url));
const python = process.env.PYTHON ?? "python3";
const kept = join(root, "build/web");
const folder = await mkdtemp(join(tmpdir(), "sketchrnn-web-"));
const PRECISIONS = ["f32", "i16", "i8"];

/** What Node and a page run, as text for either: µs a point of each module and precision. */
async function engine(load, modules, bytes, seconds, clock) {
  function fastest(run) {
    let best = Infinity;
    const until = performance.now() + 1000 * seconds;
    while (performance.now() < until) {
      const start = clock();
      const rows = run();
      best = Math.min(best, (clock() - start) / rows);
    }
    return best;
  }
  const out = {};
  for (const wasm of modules) {
    for (const precision of ["f32", "i16", "i8"]) {
      const start = performance.now();
      const net = await load(bytes[precision], { precision, wasm });
      const open = performance.now() - start; // the module's start and self-test too
      let index = 0;
      const one = fastest(() => {
        let rows = 0;
        for (let i = 0; i < 5; ++i) rows += net.draw({ seed: 1, index: index++ % 20 }).strokes.length / 5;
        return rows;
      });
      const many = fastest(() =>
        net.drawMany(48, { seed: 1 }).reduce((sum, { strokes }) => sum + strokes.length / 5, 0),
      );
      out[`${net.isa} ${precision}`] = { one, many, open };
      net.free();
    }
  }
  return out;
}

const NATIVE = `
import json, sys, time, sketchrnn
folder, seconds = sys.argv[1], float(sys.argv[2])
def fastest(run):
    best, until = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < until:
        start = time.process_time(); rows = run(); best = min(best, (time.process_time() - start) / rows)
    return 1e6 * best
out = {}
for precision in ("f32", "i16", "i8"):
    net = sketchrnn.load(f"{folder}/{'i8' if precision == 'i8' else 'f32'}.safetensors", precision=precision)
    at = iter(range(10**9))
    out[f"{net.isa} {precision}"] = {
        "one": fastest(lambda: sum(len(net.draw(seed=1, index=next(at) % 20, threads=1).strokes) for _ in range(5))),
        "many": fastest(lambda: sum(len(s.strokes) for s in net.draw(48, seed=1, threads=1))),
    }
print(json.dumps(out))
`;
const PREPARE = `
import sys, sketchrnn
name, folder = sys.argv[1:]
sketchrnn.load(name).save(f"{folder}/f32.safetensors")
sketchrnn.load(name, precision="i8").save(f"{folder}/i8.safetensors")
sketchrnn.load(name).export(f"{folder}/net.gen.json")
`;
await run(python, ["-c", PREPARE, given.net, folder]);
const file = { f32: "f32", i16: "f32", i8: "i8" };

let calibrated = false; // half a minute without relaxed SIMD: once
async function node() {
  const { load } = await import("../web/index.js");
  const bytes = {};
  for (const p of PRECISIONS) bytes[p] = await readFile(join(folder, `${file[p]}.safetensors`));
  const modules = [];
  for (const name of ["sketchrnn", "sketchrnn_relaxed"])
    try {
      modules.push(await WebAssembly.compile(await readFile(join(root, "web", `${name}.wasm`))));
    } catch (error) {
      console.log(`${name}: ${error.message.slice(0, 80)}`);
    }
  const clock = () => Object.values(process.cpuUsage()).reduce((a, b) => a + b);
  const out = await engine(load, modules, bytes, seconds, clock);
  if (!calibrated)
    for (const wasm of modules) {
      const start = performance.now();
      const net = await load(bytes.f32, { precision: "i8", wasm });
      out[`${net.isa} i8`].calibrated = performance.now() - start;
      net.free();
    }
  calibrated = true;
  return out;
}

async function native(isa) {
  const { stdout } = await run(python, ["-c", NATIVE, folder, given.seconds], {
    env: { ...process.env, SKETCHRNN_ISA: isa },
  });
  return JSON.parse(stdout);
}

/** A package.json installed into a folder of its own. */
async function installed(name, text) {
  const home = join(kept, name);
  if (!existsSync(join(home, "node_modules/@magenta/sketch"))) {
    await mkdir(home, { recursive: true });
    await writeFile(join(home, "package.json"), JSON.stringify(text));
    await run("npm", ["install", "--no-audit", "--no-fund", "--ignore-scripts", "--silent"], { cwd: home });
  }
  return home;
}

async function magenta(name, text, backend) {
  const home = await installed(name, text);
  const { stdout } = await run(
    process.execPath,
    [join(root, "benchmarks/magenta.js"), join(folder, "net.gen.json"), `${3 * seconds}`, "300", backend],
    { env: { ...process.env, NODE_PATH: join(home, "node_modules") }, maxBuffer: 1 << 26 },
  );
  const { points, processor, fastest } = JSON.parse(stdout.trim().split("\n").at(-1));
  return { f32: { one: 1e6 * fastest, mean: (1e6 * processor) / points } };
}
const package4 = {
  dependencies: {
    "@magenta/sketch": "0.2.0", "@tensorflow/tfjs": "4.22.0", "@tensorflow/tfjs-backend-wasm": "4.22.0",
  },
  overrides: { "@tensorflow/tfjs": "4.22.0" },
};

const TYPES = { ".js": "text/javascript", ".wasm": "application/wasm", ".html": "text/html" };
const PAGE = `<!doctype html><script type="module">
import { load } from "/web/index.js";
const get = async (name) => new Uint8Array(await (await fetch(name)).arrayBuffer());
const [f32, i8] = [await get("/f32.safetensors"), await get("/i8.safetensors")];
const modules = [];
let out;
try {
  for (const name of ["sketchrnn", "sketchrnn_relaxed"])
    modules.push(await WebAssembly.compile(await get("/web/" + name + ".wasm")));
  out = await (${engine})(load, modules, { f32, i16: f32, i8 }, ${seconds}, () => 1000 * performance.now());
} catch (error) {
  out = { error: String(error) };
}
await fetch("/result", { method: "POST", body: JSON.stringify(out) });
</script>`;

/** Runs the page in a browser without a window; it sends what it measured. */
async function browser(program, options) {
  let answered;
  const answer = new Promise((resolve) => (answered = resolve));
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, "http://localhost");
    if (request.method === "POST") {
      let body = "";
      for await (const part of request) body += part;
      response.end();
      return answered(JSON.parse(body));
    }
    if (pathname === "/") return response.setHeader("Content-Type", "text/html").end(PAGE);
    try {
      const data = await readFile(pathname.startsWith("/web/") ? join(root, pathname) : join(folder, pathname));
      response.setHeader("Content-Type", TYPES[extname(pathname)] ?? "application/octet-stream").end(data);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const profile = await mkdtemp(join(tmpdir(), "sketchrnn-profile-"));
  const page = spawn(program, [...options(profile), `http://127.0.0.1:${server.address().port}/`], {
    stdio: "ignore",
    detached: true,
  });
  const failed = new Promise((_, reject) => {
    page.on("error", reject);
    setTimeout(() => reject(new Error("the page sent nothing")), 60_000 + 15_000 * seconds).unref();
  });
  try {
    const out = await Promise.race([answer, failed]);
    if (out.error) throw new Error(out.error);
    return out;
  } finally {
    try {
      process.kill(-page.pid); // with the processes that it started
    } catch {
      // it did not start
    }
    server.close();
    server.closeAllConnections();
    await rm(profile, { recursive: true, force: true, maxRetries: 10 });
  }
}
const version = (program) =>
  execFileSync(program, ["--version"], { stdio: ["ignore", "pipe", "ignore"] }).toString().split(" built on")[0].trim();

const chromium = process.env.CHROMIUM ?? "chromium";
const firefox = process.env.FIREFOX ?? "firefox-esr";
const competitors = [
  ["native", () => native("")],
  ["native, AVX2", () => native("avx2")],
  [`Node ${process.version.slice(1)}`, node],
  [() => version(chromium), () => browser(chromium, (home) => [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", `--user-data-dir=${home}`])],
  [() => version(firefox), () => browser(firefox, (home) => ["--headless", "--no-remote", "--profile", home])],
  ["@magenta/sketch 0.2.0", () => magenta("magenta", { dependencies: { "@magenta/sketch": "0.2.0" } }, "")],
  ["@magenta/sketch 0.2.0, TensorFlow.js 4.22 on wasm", () => magenta("magenta-tfjs4", package4, "wasm")],
];

const results = {};
for (let round = 0; round < Number(given.rounds); ++round)
  for (const [named, measure] of competitors) {
    try {
      const name = typeof named === "string" ? named : named();
      for (const [what, figures] of Object.entries(await measure())) {
        const best = ((results[name] ??= {})[what] ??= {});
        for (const [key, value] of Object.entries(figures)) best[key] = Math.min(best[key] ?? Infinity, value);
      }
    } catch (error) {
      if (round === 0) console.log(`SKIPPED ${error.message.split("\n")[0].slice(0, 160)}`);
    }
  }
await rm(folder, { recursive: true });

const cpu = cpus()[0].model;
const busy = loadavg()[1] > 1.5; // besides this
console.log(`${cpu}${busy ? ", with other work on it" : ""}; µs a point of ${given.net}\n`);
console.log("| | | one stream | many | open, ms | calibrated first |\n|---|---|---|---|---|---|");
const digits = (x) => (x === undefined ? "" : x.toFixed(x < 100 ? 1 : 0));
for (const [name, rows] of Object.entries(results))
  for (const [what, { one, many, open, calibrated }] of Object.entries(rows))
    console.log(`| ${[name, what, ...[one, many, open, calibrated].map(digits)].join(" | ")} |`);
if (given.json !== undefined)
  await writeFile(given.json, `${JSON.stringify({ cpu, busy, net: given.net, microseconds: results }, null, 1)}\n`);
process.exit();
