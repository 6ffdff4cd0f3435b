// The plotter's sketch, once round: the pen comes back to where it began.
#include "sketch.ino"
int main() {
  setup();
  loop();
  printf("%ld steps, %ld pen changes\n", pulses, changes);
  return pulses > 100 && changes > 1 && position[0] == 0 && position[1] == 0 ? 0 : 1;
}
