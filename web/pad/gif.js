// An animated GIF of few colours (GIF89a): frames that each change a rectangle of the one before,
// packed by LZW.

const bits16 = (n) => [n & 255, n >> 8];

/** LZW with codes of up to 12 bits, in blocks of at most 255 bytes. `indices` are below 2^depth. */
function packed(indices, depth) {
  const least = Math.max(2, depth);
  const clear = 1 << least;
  const out = [least];
  let block = [];
  let [waiting, filled] = [0, 0];
  let table, next, size;

  function put(code) {
    waiting |= code << filled;
    filled += size;
    for (; filled >= 8; filled -= 8, waiting >>>= 8) {
      block.push(waiting & 255);
      if (block.length === 255) flush();
    }
  }
  function flush() {
    if (block.length > 0) out.push(block.length, ...block);
    block = [];
  }
  function restart() {
    table = new Map();
    next = clear + 2;
    size = least + 1;
  }

  restart();
  put(clear);
  let code = indices[0];
  for (let i = 1; i < indices.length; ++i) {
    const key = (code << 8) | indices[i];
    const known = table.get(key);
    if (known !== undefined) {
      code = known;
      continue;
    }
    put(code);
    if (next === 4096) {
      put(clear);
      restart();
    } else {
      if (next === 1 << size) size += 1;
      table.set(key, next++);
    }
    code = indices[i];
  }
  put(code);
  // The reader has made one more entry by now, which may take the ending code beyond its size.
  if (next === 1 << size && size < 12) size += 1;
  put(clear + 1);
  if (filled > 0) block.push(waiting & 255);
  flush();
  out.push(0);
  return out;
}

/** The part of an image that is not as before, { x, y, width, height, indices }; of one that is the
 * same everywhere its first pixel. */
function changed(before, image, width, height) {
  let [left, top, right, bottom] = [width, height, -1, -1];
  for (let i = 0; i < image.length; ++i) {
    if (before !== null && image[i] === before[i]) continue;
    const [x, y] = [i % width, Math.floor(i / width)];
    [left, right] = [Math.min(left, x), Math.max(right, x)];
    [top, bottom] = [Math.min(top, y), Math.max(bottom, y)];
  }
  if (right < 0) [left, top, right, bottom] = [0, 0, 0, 0];
  const part = { x: left, y: top, width: right - left + 1, height: bottom - top + 1 };
  const indices = new Uint8Array(part.width * part.height);
  for (let y = 0; y < part.height; ++y) {
    const start = (top + y) * width + left;
    indices.set(image.subarray(start, start + part.width), y * part.width);
  }
  return { ...part, indices };
}

/** Bytes of a GIF that runs for ever.
 *
 * `colours`: 2, 4, … or 256 of [red, green, blue], 0 to 255. `frames`: { image, delay }, image the
 * index of each pixel's colour (Uint8Array, row by row), delay in hundredths of a second. */
export function gif(width, height, colours, frames) {
  const depth = Math.log2(colours.length);
  if (!Number.isInteger(depth) || depth < 1 || depth > 8)
    throw new Error(`colours: expected 2, 4, 8 … or 256, found ${colours.length}`);
  const parts = [
    new TextEncoder().encode("GIF89a"),
    [...bits16(width), ...bits16(height), 0xf0 | (depth - 1), 0, 0, ...colours.flat()],
    [0x21, 0xff, 11, ...new TextEncoder().encode("NETSCAPE2.0"), 3, 1, 0, 0, 0],
  ];
  let before = null;
  for (const { image, delay } of frames) {
    const part = changed(before, image, width, height);
    const place = [part.x, part.y, part.width, part.height].flatMap(bits16);
    // What is there stays (disposal 1).
    parts.push([0x21, 0xf9, 4, 1 << 2, ...bits16(delay), 0, 0], [0x2c, ...place, 0]);
    parts.push(packed(part.indices, depth));
    before = image;
  }
  parts.push([0x3b]);
  return new Blob(parts.map((part) => Uint8Array.from(part)), { type: "image/gif" });
}
