/* run(n): n divisions of 512 by 256 bits (Knuth's algorithm D over 32-bit limbs), each checked by multiplying back; a digest
 * of quotients and remainders: what MULMOD of a contract costs. Stresses carries and 64-by-32-bit division. */
#include "own.h"

/* q[m-n+1], r[n] = u[m] / v[n], v[n-1] != 0. Limbs are little endian. */
static void divide(const u32 *u, int m, const u32 *v, int n, u32 *q, u32 *r) {
    u32 un[17], vn[8];
    int s = __builtin_clz(v[n - 1]);
    for (int i = n - 1; i > 0; i--) vn[i] = v[i] << s | (u32)((u64)v[i - 1] >> (32 - s));
    vn[0] = v[0] << s;
    un[m] = (u32)((u64)u[m - 1] >> (32 - s));
    for (int i = m - 1; i > 0; i--) un[i] = u[i] << s | (u32)((u64)u[i - 1] >> (32 - s));
    un[0] = u[0] << s;
    for (int j = m - n; j >= 0; j--) {
        u64 top = (u64)un[j + n] << 32 | un[j + n - 1], guess = top / vn[n - 1], rest = top % vn[n - 1];
        while (guess >> 32 || (n > 1 && guess * vn[n - 2] > (rest << 32 | un[j + n - 2]))) {
            guess--;
            rest += vn[n - 1];
            if (rest >> 32) break;
        }
        u64 carry = 0;
        long long borrow = 0;
        for (int i = 0; i < n; i++) {
            u64 p = guess * vn[i] + carry;
            carry = p >> 32;
            long long t = (long long)un[i + j] - (long long)(u32)p + borrow;
            un[i + j] = (u32)t;
            borrow = t >> 32;
        }
        long long t = (long long)un[j + n] - (long long)carry + borrow;
        un[j + n] = (u32)t;
        if (t < 0) {
            guess--;
            u64 c = 0;
            for (int i = 0; i < n; i++) {
                c += (u64)un[i + j] + vn[i];
                un[i + j] = (u32)c;
                c >>= 32;
            }
            un[j + n] += (u32)c;
        }
        q[j] = (u32)guess;
    }
    for (int i = 0; i < n; i++) r[i] = un[i] >> s | (u32)((u64)un[i + 1] << (32 - s));
}

EXPORT long long run(int n) {
    random_state = 4;
    u64 sum = 0;
    for (int k = 0; k < n; k++) {
        u32 u[16], v[8], q[17], r[8], back[25];
        for (int i = 0; i < 16; i++) u[i] = (u32)next();
        for (int i = 0; i < 8; i++) v[i] = (u32)next();
        int limbs = 1 + k % 8;
        v[limbs - 1] |= 1u << (k % 32);
        divide(u, 16, v, limbs, q, r);
        for (int i = 0; i < 25; i++) back[i] = i < limbs ? r[i] : 0;
        for (int i = 0; i <= 16 - limbs; i++) {
            u64 carry = 0;
            for (int j = 0; j < limbs; j++) {
                carry += (u64)q[i] * v[j] + back[i + j];
                back[i + j] = (u32)carry;
                carry >>= 32;
            }
            for (int j = i + limbs; carry; j++) {
                carry += back[j];
                back[j] = (u32)carry;
                carry >>= 32;
            }
        }
        for (int i = 0; i < 16; i++)
            if (back[i] != u[i]) return -1;
        sum = sum * 1000003 + ((u64)q[16 - limbs] << 32 | q[0]) + r[0];
    }
    return (long long)sum;
}
