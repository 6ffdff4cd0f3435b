/* Draws a sketch and writes it to stdout as SVG:  draw_svg pig.safetensors 7 > pig.svg */
#include <math.h>
#include <sketchrnn/sketchrnn.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char** argv) {
  if (argc < 2) {
    fprintf(stderr, "usage: %s net.safetensors [seed]\n", argv[0]);
    return 2;
  }
  sketchrnn_error error;
  sketchrnn_net* net;
  sketchrnn_drawings* drawings;
  sketchrnn_draw_options options = SKETCHRNN_DRAW_OPTIONS_INIT;
  if (argc > 2) options.seed = strtoull(argv[2], NULL, 10);
  if (sketchrnn_net_open(argv[1], NULL, &net, &error) != SKETCHRNN_OK ||
      sketchrnn_net_draw(net, &options, &drawings, &error) != SKETCHRNN_OK) {
    fprintf(stderr, "%s\n", error.message);
    return 1;
  }
  size_t n;
  const sketchrnn_row* row = sketchrnn_drawings_get(drawings, 0, &n);
  if (row[n - 1].p3 == 1) --n; /* the row that ends the drawing has no offset */

  double x = 0, y = 0, left = 0, right = 0, top = 0, bottom = 0;
  for (size_t i = 0; i < n; ++i) {
    left = fmin(left, x += row[i].dx), right = fmax(right, x);
    top = fmin(top, y += row[i].dy), bottom = fmax(bottom, y);
  }
  printf("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"%.2f %.2f %.2f %.2f\">\n", left - 5,
         top - 5, right - left + 10, bottom - top + 10);
  printf(
      "<path fill=\"none\" stroke=\"#000\" stroke-width=\"2\" stroke-linecap=\"round\" d=\"M0 0");
  x = y = 0;
  for (size_t i = 0; i < n; ++i) /* a segment is drawn when the pen was down before it */
    printf("%c%.2f %.2f", i == 0 || row[i - 1].p1 == 1 ? 'L' : 'M', x += row[i].dx, y += row[i].dy);
  printf("\"/>\n</svg>\n");

  sketchrnn_drawings_free(drawings);
  sketchrnn_net_close(net);
  return 0;
}
