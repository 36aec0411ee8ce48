/* run(n): n times a transaction-like list is written as RLP and read back item by item, recursively; a digest of what was
 * read. Stresses byte loads and stores, short branches, calls with pointers. */
#include "own.h"

static u8 buffer[4096];

static u32 write_header(u8 *to, u32 length, u8 base) {
    if (length < 56) {
        to[0] = (u8)(base + length);
        return 1;
    }
    u32 size = length < 256 ? 1 : 2;
    to[0] = (u8)(base + 55 + size);
    if (size == 2) to[1] = (u8)(length >> 8);
    to[size] = (u8)length;
    return 1 + size;
}

static u32 write_string(u8 *to, const u8 *from, u32 length) {
    u32 at = 0;
    if (length != 1 || from[0] >= 0x80) at = write_header(to, length, 0x80);
    for (u32 i = 0; i < length; i++) to[at + i] = from[i];
    return at + length;
}

static u32 write_number(u8 *to, u64 value) {
    u8 bytes[8];
    u32 length = 0;
    for (u64 v = value; v; v >>= 8) length++;
    for (u32 i = 0; i < length; i++) bytes[length - 1 - i] = (u8)(value >> (8 * i));
    return write_string(to, bytes, length);
}

/* Moves a payload up to make room for its list header. */
static u32 close_list(u8 *at, u32 length) {
    u8 header[3];
    u32 size = write_header(header, length, 0xc0);
    for (u32 i = length; i > 0; i--) at[size + i - 1] = at[i - 1];
    for (u32 i = 0; i < size; i++) at[i] = header[i];
    return size + length;
}

static u64 digest(u64 sum, u8 byte) { return (sum ^ byte) * 0x100000001b3ull; }

/* Reads one item at `at`; returns where it ends, 0 when it is malformed. */
static u32 read(u32 at, u32 end, u32 depth, u64 *sum) {
    if (at >= end || depth > 8) return 0;
    u8 tag = buffer[at++];
    *sum = digest(*sum, tag);
    if (tag < 0x80) return at;
    u32 list = tag >= 0xc0, length = tag - (list ? 0xc0 : 0x80);
    if (length > 55) {
        u32 size = length - 55;
        length = 0;
        for (; size; size--) {
            if (at >= end) return 0;
            length = length << 8 | buffer[at++];
        }
        if (length < 56) return 0;
    }
    if (length > end - at) return 0;
    u32 stop = at + length;
    if (!list) {
        for (; at < stop; at++) *sum = digest(*sum, buffer[at]);
        return stop;
    }
    while (at < stop) {
        at = read(at, stop, depth + 1, sum);
        if (!at) return 0;
    }
    return stop;
}

EXPORT long long run(int n) {
    random_state = 1;
    u64 sum = 0xcbf29ce484222325ull;
    for (int k = 0; k < n; k++) {
        u8 data[200];
        u32 at = 0;
        for (u32 i = 0; i < sizeof data; i += 8) {
            u64 r = next();
            for (u32 j = 0; j < 8; j++) data[i + j] = (u8)(r >> (8 * j));
        }
        at += write_number(buffer + at, k);
        at += write_number(buffer + at, next() >> (k & 31));
        at += write_number(buffer + at, 21000);
        at += write_string(buffer + at, data, 20);
        at += write_string(buffer + at, data, (u32)k % 200);
        u32 access = at;
        for (u32 i = 0; i < 4; i++) {
            u32 entry = at;
            at += write_string(buffer + at, data + i, 20);
            at += write_string(buffer + at, data + 20 + i, 32);
            at = entry + close_list(buffer + entry, at - entry);
        }
        at = access + close_list(buffer + access, at - access);
        at = close_list(buffer, at);
        if (read(0, at, 0, &sum) != at) return -1;
    }
    return (long long)sum;
}
