/* run(n): n times a text of code points is written as UTF-8, checked as UTF-8, written as base64 and read back; a digest.
 * Stresses byte tables, range checks, shifts by constants. */
#include "own.h"

#define POINTS 600
static u8 text[4 * POINTS], code[6 * POINTS], back[4 * POINTS + 4], value_of[256];
static const char alphabet[65] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static u32 write_point(u8 *to, u32 p) {
    if (p < 0x80) {
        to[0] = (u8)p;
        return 1;
    }
    u32 more = p < 0x800 ? 1 : p < 0x10000 ? 2 : 3;
    static const u8 lead[4] = {0, 0xc0, 0xe0, 0xf0};
    to[0] = (u8)(lead[more] | p >> (6 * more));
    for (u32 i = 1; i <= more; i++) to[i] = (u8)(0x80 | ((p >> (6 * (more - i))) & 0x3f));
    return more + 1;
}

/* The number of code points; -1 for malformed text. */
static int check(const u8 *s, u32 length) {
    int points = 0;
    for (u32 i = 0; i < length; points++) {
        u8 b = s[i++];
        if (b < 0x80) continue;
        u32 more = b >= 0xc2 && b < 0xe0 ? 1 : b >= 0xe0 && b < 0xf0 ? 2 : b >= 0xf0 && b < 0xf5 ? 3 : 0;
        if (!more || length - i < more) return -1;
        u8 low = b == 0xe0 ? 0xa0 : b == 0xf0 ? 0x90 : 0x80, high = b == 0xed ? 0x9f : b == 0xf4 ? 0x8f : 0xbf;
        for (; more; more--, low = 0x80, high = 0xbf) {
            u8 c = s[i++];
            if (c < low || c > high) return -1;
        }
    }
    return points;
}

EXPORT long long run(int n) {
    random_state = 3;
    u64 sum = 0;
    for (u32 i = 0; i < 64; i++) value_of[(u8)alphabet[i]] = (u8)i;
    for (int k = 0; k < n; k++) {
        u32 length = 0;
        for (u32 i = 0; i < POINTS; i++) {
            u64 r = next();
            u32 p = (u32)(r >> 8) & ((r & 7) < 4 ? 0x7f : (r & 7) < 6 ? 0x7ff : (r & 7) < 7 ? 0xffff : 0xfffff);
            if (p >= 0xd800 && p < 0xe000) p = 0x20;
            length += write_point(text + length, p);
        }
        if (check(text, length) != POINTS) return -1;
        u32 out = 0;
        for (u32 i = 0; i < length; i += 3) {
            u32 left = length - i;
            u32 w = (u32)text[i] << 16 | (left > 1 ? (u32)text[i + 1] << 8 : 0) | (left > 2 ? text[i + 2] : 0);
            code[out++] = (u8)alphabet[w >> 18];
            code[out++] = (u8)alphabet[w >> 12 & 63];
            code[out++] = left > 1 ? (u8)alphabet[w >> 6 & 63] : '=';
            code[out++] = left > 2 ? (u8)alphabet[w & 63] : '=';
        }
        u32 at = 0;
        for (u32 i = 0; i < out; i += 4) {
            u32 w = (u32)value_of[code[i]] << 18 | (u32)value_of[code[i + 1]] << 12 | (u32)value_of[code[i + 2]] << 6 |
                    value_of[code[i + 3]];
            back[at] = (u8)(w >> 16);
            back[at + 1] = (u8)(w >> 8);
            back[at + 2] = (u8)w;
            at += code[i + 2] == '=' ? 1 : code[i + 3] == '=' ? 2 : 3;
        }
        if (at != length) return -2;
        for (u32 i = 0; i < length; i++) {
            if (back[i] != text[i]) return -3;
            sum = sum * 131 + code[i];
        }
    }
    return (long long)sum;
}
