// Lines and stroke-5: the arrays of points that a pointer leaves, and the rows that a net reads.

/** Ramer–Douglas–Peucker: the points [x, y, …] of a line that matter by more than `tolerance`. */
export function simplifyLine(line, tolerance = 2) {
  if (line.length < 3) return line.slice();
  const keep = new Set([0, line.length - 1]);
  const parts = [[0, line.length - 1]];
  while (parts.length > 0) {
    const [first, last] = parts.pop();
    const [x, y] = line[first];
    const [dx, dy] = [line[last][0] - x, line[last][1] - y];
    const length2 = dx * dx + dy * dy;
    let furthest = tolerance * tolerance;
    let at = -1;
    for (let i = first + 1; i < last; ++i) {
      const [px, py] = [line[i][0] - x, line[i][1] - y];
      // The nearest point of the segment, not of the line through it.
      const t = length2 > 0 ? Math.min(1, Math.max(0, (px * dx + py * dy) / length2)) : 0;
      const distance = (px - t * dx) ** 2 + (py - t * dy) ** 2;
      if (distance > furthest) [furthest, at] = [distance, i];
    }
    if (at >= 0) {
      keep.add(at);
      parts.push([first, at], [at, last]);
    }
  }
  return line.filter((_, i) => keep.has(i));
}

/** One line as rows that begin at `from`; none for a line of fewer than two points. */
export function lineToRows(line, from) {
  if (line.length < 2) return [];
  let [x, y] = from;
  return line.map(([px, py], i) => {
    const row = [px - x, py - y, i < line.length - 1 ? 1 : 0, i < line.length - 1 ? 0 : 1, 0];
    [x, y] = [px, py];
    return row;
  });
}

/** Rows (5 numbers each) as lines of points. The first movement from `from` is drawn as well, unless
 * `skipFirst`: then the first line begins where that movement ends. */
export function rowsToLines(rows, from = [0, 0], skipFirst = false) {
  const lines = [];
  let [x, y] = from;
  let line = skipFirst ? [] : [[x, y]];
  for (let i = 0; i + 5 <= rows.length; i += 5) {
    if (rows[i + 4] !== 0) break;
    x += rows[i];
    y += rows[i + 1];
    line.push([x, y]);
    if (rows[i + 3] !== 0) {
      if (line.length > 1) lines.push(line);
      line = [];
    }
  }
  if (line.length > 1) lines.push(line);
  return lines;
}
