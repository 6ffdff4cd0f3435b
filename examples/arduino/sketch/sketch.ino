// A plotter that draws by itself, point by point: the net decides the next movement while the pen
// moves. Write the net first:  sketchrnn embed NAME --standalone --symbol net -o net.h
//
// Two stepper motors behind step/direction drivers, a servo or a magnet for the pen. Tried on the
// host and by a compiler alone (tests/interop/chip), with a stand-in for the board: not on a plotter.
#include <Arduino.h>

#include "net.h"

const int kStepX = 2, kDirX = 3, kStepY = 4, kDirY = 5, kPen = 6, kButton = 7;
const float kStepsPerUnit = 8.0f;          // motor steps for one unit (pixel) of the drawings
const unsigned int kMicrosecondsPerStep = 800;
const float kTemperature = 0.3f;

static net_stream drawing;  // not on the stack: a few kilobytes
static uint64_t number = 0; // of the drawing
static float target_x, target_y;
static long at_x, at_y;     // in motor steps

static void pen(bool down) {
  digitalWrite(kPen, down ? HIGH : LOW);
  delay(120);  // until it has got there
}

static void pulse(int step, int direction, bool forwards) {
  digitalWrite(direction, forwards ? HIGH : LOW);
  digitalWrite(step, HIGH);
  delayMicroseconds(4);
  digitalWrite(step, LOW);
}

// A straight line, by Bresenham's algorithm.
static void move_to(long x, long y) {
  const long dx = labs(x - at_x), dy = labs(y - at_y);
  const bool right = x > at_x, below = y > at_y;
  long error = dx - dy;
  while (at_x != x || at_y != y) {
    const long twice = 2 * error;
    if (twice > -dy && at_x != x) {
      error -= dy;
      at_x += right ? 1 : -1;
      pulse(kStepX, kDirX, right);
    }
    if (twice < dx && at_y != y) {
      error += dx;
      at_y += below ? 1 : -1;
      pulse(kStepY, kDirY, below);
    }
    delayMicroseconds(kMicrosecondsPerStep);
  }
}

void setup() {
  const int pins[] = {kStepX, kDirX, kStepY, kDirY, kPen};
  for (int pin : pins) pinMode(pin, OUTPUT);
  pinMode(kButton, INPUT_PULLUP);
}

void loop() {
  while (digitalRead(kButton) == HIGH) delay(10);
  net_start(&drawing, 1, number++);
  target_x = target_y = 0.0f;
  bool down = true;  // the first movement, from the origin, is drawn too
  pen(down);
  float row[5];
  while (net_step(&drawing, kTemperature, row) == 1 && row[4] == 0.0f) {
    target_x += row[0];
    target_y += row[1];
    move_to(lroundf(target_x * kStepsPerUnit), lroundf(target_y * kStepsPerUnit));
    if (down != (row[2] != 0.0f)) pen(down = !down);
  }
  pen(false);
  move_to(0, 0);
}
