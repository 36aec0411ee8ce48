#include <stdint.h>

uint16_t sum(const uint8_t *bytes, uint8_t count) {
  uint16_t all = 0;
  while (count--) all += *bytes++;
  return all;
}
