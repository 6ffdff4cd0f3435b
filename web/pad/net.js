// The worker with the net, as functions that return promises.
const worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
const waiting = new Map();
let last = 0;

worker.addEventListener("message", ({ data }) => {
  const asked = waiting.get(data.id);
  if (asked === undefined) return;
  if (data.drawing !== undefined) return asked.each(data.k, data.drawing);
  waiting.delete(data.id);
  if (data.error !== undefined) asked.reject(new Error(data.error));
  else asked.resolve(data.done);
});
worker.addEventListener("error", (event) => {
  for (const { reject } of waiting.values())
    reject(new Error(event.message ?? "the worker could not start"));
  waiting.clear();
});

/** Asks the worker; `each(k, drawing)` is called for every ghost that comes. */
export function ask(kind, message = {}, each = () => {}) {
  const id = ++last;
  return new Promise((resolve, reject) => {
    waiting.set(id, { resolve, reject, each });
    worker.postMessage({ id, kind, ...message });
  });
}
