/* run(n): n times a text of 1,000 characters goes through a tokeniser (a switch over states) and a matcher of patterns with
 * '.', '*' and '?' by backtracking; counts of tokens and matches. Stresses br_table, unpredictable branches, recursion. */
#include "own.h"

#define LENGTH 1000
static char text[LENGTH + 1];

enum { START, NAME, NUMBER, HEXADECIMAL, STRING, ESCAPE, COMMENT, SIGN };

static u32 tokens(u32 counts[8]) {
    u32 state = START, total = 0;
    for (u32 i = 0; i <= LENGTH; i++) {
        char c = text[i];
        u32 letter = (c >= 'a' && c <= 'z') || c == '_', digit = c >= '0' && c <= '9';
        switch (state) {
        case NAME:
            if (letter || digit) continue;
            break;
        case NUMBER:
            if (digit) continue;
            if (c == 'x') {
                state = HEXADECIMAL;
                continue;
            }
            break;
        case HEXADECIMAL:
            if (digit || (c >= 'a' && c <= 'f')) continue;
            break;
        case STRING:
            if (c == '\\') state = ESCAPE;
            else if (c == '"' || !c) break;
            continue;
        case ESCAPE:
            state = STRING;
            if (c) continue;
            break;
        case COMMENT:
            if (c != ';' && c) continue;
            break;
        case SIGN:
            if (c == '+' || c == '-' || c == '=') continue;
            break;
        default:
            break;
        }
        if (state != START) {
            counts[state]++;
            total++;
        }
        u32 closed = state == STRING || state == COMMENT;
        state = closed ? START : letter ? NAME : digit ? NUMBER : c == '"' ? STRING : c == '#' ? COMMENT : c == ' ' || !c ? START : SIGN;
    }
    return total;
}

static int match(const char *pattern, const char *at) {
    for (;; pattern++, at++) {
        if (!*pattern) return 1;
        char p = *pattern;
        if (pattern[1] == '?') {
            if (*at && (p == '.' || p == *at) && match(pattern + 2, at + 1)) return 1;
            return match(pattern + 2, at);
        }
        if (pattern[1] == '*') {
            const char *end = at;
            while (*end && (p == '.' || p == *end) && end - at < 40) end++;
            for (; end >= at; end--)
                if (match(pattern + 2, end)) return 1;
            return 0;
        }
        if (!*at || (p != '.' && p != *at)) return 0;
    }
}

EXPORT long long run(int n) {
    static const char alphabet[65] = "abcdefx_abcdefxy0123456789  \"#;=+-ab0xcdcd  \\\"xx__ ab=12  fade##;";
    static const char *const patterns[] = {"a.*b=", "0x.*f", "c?d?c.a", "x*y*_", ".a.b*c", "#.*;"};
    random_state = 5;
    u64 sum = 0;
    for (int k = 0; k < n; k++) {
        for (u32 i = 0; i < LENGTH; i++) text[i] = alphabet[next() >> 58];
        u32 counts[8] = {0};
        sum = sum * 33 + tokens(counts);
        for (u32 i = 0; i < 8; i++) sum = sum * 33 + counts[i];
        for (u32 p = 0; p < sizeof patterns / sizeof *patterns; p++) {
            u32 found = 0;
            for (u32 i = 0; i < LENGTH; i++) found += (u32)match(patterns[p], text + i);
            sum = sum * 33 + found;
        }
    }
    return (long long)sum;
}
