// What browsers do that do not know all that puppeteer asks of them: Debian's Firefox 140, for one.

export async function resize(page, viewport) {
  await page.setViewport(viewport).catch((error) => {
    // The size is set, the screen is not turned: older than 144.
    if (!`${error}`.includes("setScreenOrientationOverride")) throw error;
  });
  await until(page, (width) => globalThis.innerWidth === width, viewport.width);
}

// Where on the page an element in a frame is. element.boundingBox() asks for the frame in a way not known there.
export async function boxIn(frame, element) {
  const box = (e) => {
    const { x, y, width, height } = e.getBoundingClientRect();
    return { x, y, width, height, left: e.clientLeft, top: e.clientTop };
  };
  const [outer, inner] = [await frame.evaluate(box), await element.evaluate(box)];
  return { ...inner, x: outer.x + outer.left + inner.x, y: outer.y + outer.top + inner.y };
}

// page.waitForFunction makes its function in the page, which the pad's policy forbids there.
export async function until(page, what, ...given) {
  const end = performance.now() + 90_000;
  while (!(await page.evaluate(what, ...given))) {
    if (performance.now() > end) throw new Error("not within 90 s");
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
