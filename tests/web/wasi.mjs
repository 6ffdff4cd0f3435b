// Runs a WASI command in Node: node wasi.mjs PROGRAM.wasm [ARGUMENT…]
import { readFile } from "node:fs/promises";
import { WASI } from "node:wasi";

const wasi = new WASI({ version: "preview1", args: process.argv.slice(2), env: process.env });
const module = await WebAssembly.compile(await readFile(process.argv[2]));
const code = wasi.start(await WebAssembly.instantiate(module, wasi.getImportObject()));
// At once: nothing is left to be taken down.
process.reallyExit(code);
