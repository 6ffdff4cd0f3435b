// Offline after the first load: what was fetched once is kept, and used where the network has nothing.
const CACHE = "sketchrnn-pad";
const FILES = [
  "./", "index.html", "pad.css", "pad.js", "drawing.js", "gif.js", "net.js", "notebook.js", "paint.js",
  "worker.js", "icon.svg",
  "nets/net.safetensors", "../index.js", "../src/core.js", "../src/gen_json.js", "../src/latent.js", "../src/lines.js",
  "../src/magenta.js", "../src/net.js", "../src/self_test.js", "../sketchrnn.wasm",
  "../sketchrnn_relaxed.wasm",
];

addEventListener("install", (event) => {
  skipWaiting();
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(FILES)));
});
addEventListener("activate", (event) => event.waitUntil(clients.claim()));

async function answer(request) {
  const cache = await caches.open(CACHE);
  try {
    const response = await fetch(request);
    if (response.ok && request.method === "GET") await cache.put(request, response.clone());
    return response;
  } catch (error) {
    const kept = await cache.match(request, { ignoreSearch: true });
    if (kept === undefined) throw error;
    return kept;
  }
}
addEventListener("fetch", (event) => {
  if (new URL(event.request.url).origin === location.origin) event.respondWith(answer(event.request));
});
