/* run(n): n times 2,000 pseudo-random 64-bit keys are sorted by quicksort with an insertion sort below 12, then looked up
 * by binary search; a digest of the order. Stresses data-dependent branches, swaps, recursion. */
#include "own.h"

#define COUNT 2000
static u64 keys[COUNT];

static void sort(int low, int high) {
    while (high - low > 12) {
        u64 a = keys[low], b = keys[(low + high) / 2], c = keys[high];
        u64 pivot = a < b ? (b < c ? b : a < c ? c : a) : (a < c ? a : b < c ? c : b);
        int i = low, j = high;
        while (i <= j) {
            while (keys[i] < pivot) i++;
            while (keys[j] > pivot) j--;
            if (i > j) break;
            u64 t = keys[i];
            keys[i++] = keys[j];
            keys[j--] = t;
        }
        if (j - low < high - i) {
            sort(low, j);
            low = i;
        } else {
            sort(i, high);
            high = j;
        }
    }
    for (int i = low + 1; i <= high; i++) {
        u64 key = keys[i];
        int j = i;
        for (; j > low && keys[j - 1] > key; j--) keys[j] = keys[j - 1];
        keys[j] = key;
    }
}

static int find(u64 key) {
    int low = 0, high = COUNT;
    while (low < high) {
        int middle = (low + high) / 2;
        if (keys[middle] < key) low = middle + 1;
        else high = middle;
    }
    return low;
}

EXPORT long long run(int n) {
    random_state = 2;
    u64 sum = 0;
    for (int k = 0; k < n; k++) {
        for (int i = 0; i < COUNT; i++) keys[i] = next() >> (k % 50);
        sort(0, COUNT - 1);
        for (int i = 0; i < COUNT; i++) {
            if (i && keys[i - 1] > keys[i]) return -1;
            sum = sum * 31 + keys[i];
        }
        for (int i = 0; i < 500; i++) sum += (u64)find(next() >> (k % 50));
    }
    return (long long)sum;
}
