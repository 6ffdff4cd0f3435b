// A board for examples/arduino that has no board: counts pen changes and steps, presses the button
// once.
#pragma once
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { LOW, HIGH, OUTPUT, INPUT_PULLUP };
static long pulses, changes, presses;
static int position[2];
inline void pinMode(int, int) {}
inline void digitalWrite(int pin, int level) {
  static int direction[8];
  if (pin == 3 || pin == 5) direction[pin] = level == HIGH ? 1 : -1;
  if ((pin == 2 || pin == 4) && level == HIGH) {
    ++pulses;
    position[pin / 4] += direction[pin + 1];
  }
  if (pin == 6) ++changes;
}
inline int digitalRead(int) { return presses++ == 0 ? LOW : HIGH; }
inline void delay(unsigned long) {}
inline void delayMicroseconds(unsigned int) {}
