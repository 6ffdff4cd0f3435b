// Lines on canvases and in files.
import { rowsToLines } from "../src/lines.js";

export const GHOSTS = ["#c2410c", "#0f766e", "#7e22ce", "#a16207", "#be123c", "#1d4ed8", "#4d7c0f", "#9d174d"];
const WIDTH = 2.4; // of the pen, in data units

export function trace(context, lines) {
  context.lineCap = context.lineJoin = "round";
  context.beginPath();
  for (const line of lines) {
    context.moveTo(...line[0]);
    for (const point of line.slice(1)) context.lineTo(...point);
  }
  context.stroke();
}

export function bounds(lines) {
  const points = lines.flat();
  if (points.length === 0) return { x: 0, y: 0, width: 0, height: 0 };
  const xs = points.map((p) => p[0]);
  const ys = points.map((p) => p[1]);
  const [x, y] = [Math.min(...xs), Math.min(...ys)];
  return { x, y, width: Math.max(...xs) - x, height: Math.max(...ys) - y };
}

/** Lines in the middle of a canvas, as large as they fit. */
export function thumbnail(canvas, lines, colour) {
  const ratio = devicePixelRatio || 1;
  canvas.width = canvas.height = Math.round(64 * ratio);
  const context = canvas.getContext("2d");
  const { x, y, width, height } = bounds(lines);
  const scale = (canvas.width * 0.86) / Math.max(width, height, 1);
  context.translate(canvas.width / 2, canvas.height / 2);
  context.scale(scale, scale);
  context.translate(-x - width / 2, -y - height / 2);
  context.strokeStyle = colour;
  context.lineWidth = (1.6 * ratio) / scale;
  trace(context, lines);
}

/** The first `count` rows as lines. */
export function linesOf(strokes, origin, count = strokes.length / 5) {
  return rowsToLines(strokes.subarray(0, 5 * count), origin);
}

/** How dense the next point is around the pen: an image of so many cells a side over `size` units. */
export function density(distribution, size, cells) {
  const { pi, muX, muY, sigmaX, sigmaY, rho } = distribution;
  const out = new Float32Array(cells * cells);
  const step = size / cells;
  for (let m = 0; m < pi.length; ++m) {
    // A peak narrower than a cell would fall between their middles.
    const sx = Math.max(sigmaX[m], step / 2);
    const sy = Math.max(sigmaY[m], step / 2);
    const rest = Math.max(1 - rho[m] ** 2, 1e-3);
    const peak = pi[m] / (2 * Math.PI * sx * sy * Math.sqrt(rest));
    if (peak < 1e-7) continue;
    for (let i = 0; i < cells; ++i) {
      const v = ((i + 0.5) * step - size / 2 - muY[m]) / sy;
      for (let j = 0; j < cells; ++j) {
        const u = ((j + 0.5) * step - size / 2 - muX[m]) / sx;
        out[i * cells + j] += peak * Math.exp(-(u * u + v * v - 2 * rho[m] * u * v) / (2 * rest));
      }
    }
  }
  return out;
}

function around(lines) {
  const { x, y, width, height } = bounds(lines);
  const margin = 8;
  return { x: x - margin, y: y - margin, width: width + 2 * margin, height: height + 2 * margin };
}

export function toSvg(lines, title) {
  const box = around(lines);
  const number = (n) => String(Math.round(n * 100) / 100);
  const path = lines
    .map((line) => `M${line.map((p) => p.map(number).join(" ")).join("L")}`)
    .join("");
  const text = title.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="${[box.x, box.y, box.width, box.height].map(number).join(" ")}">` +
    `<title>${text}</title><path d="${path}" fill="none" stroke="#000" stroke-width="${WIDTH}" ` +
    `stroke-linecap="round" stroke-linejoin="round"/></svg>\n`
  );
}

/** A canvas with the lines on white, its longer side so many pixels. */
export function picture(lines, pixels = 1024, box = around(lines)) {
  const scale = pixels / Math.max(box.width, box.height);
  const canvas = document.createElement("canvas");
  canvas.width = Math.ceil(box.width * scale);
  canvas.height = Math.ceil(box.height * scale);
  const context = canvas.getContext("2d");
  const paint = (some) => {
    context.resetTransform();
    context.fillStyle = "#fff";
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.scale(scale, scale);
    context.translate(-box.x, -box.y);
    context.strokeStyle = "#000";
    context.lineWidth = WIDTH;
    trace(context, some);
  };
  paint(lines);
  return { canvas, paint };
}
