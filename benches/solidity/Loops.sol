// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.0;

/// Four of the kernels as EVM code: the same results for the same n, written as one writes them for the EVM.
contract Loops {
    function fib(uint256 n) public pure returns (uint64) {
        return uint64(fibonacci(n));
    }

    function fibonacci(uint256 n) private pure returns (uint256) {
        unchecked {
            return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
        }
    }

    function xorshift(uint256 n) public pure returns (uint64) {
        unchecked {
            uint64 x = 0x2545F4914F6CDD1D;
            uint64 s = 0;
            for (uint256 k = 0; k < n; k++) {
                x ^= x >> 12;
                x ^= x << 25;
                x ^= x >> 27;
                s += x * 0x2545F4914F6CDD1D;
            }
            return s;
        }
    }

    function mul256(uint256 n) public pure returns (uint64) {
        unchecked {
            uint256 a = 0;
            uint256 b = 0;
            for (uint256 i = 8; i > 0; i--) {
                a = (a << 32) | uint32(0x9e3779b9 * i);
                b = (b << 32) | uint32(0x85ebca6b * (2 * i - 1));
            }
            for (uint256 k = 1; k <= n; k++) a = a * b + k;
            return uint64(a) ^ uint64(a >> 192);
        }
    }

    function keccak256_(uint256 n) public pure returns (uint64) {
        uint256 last = 0;
        assembly ("memory-safe") {
            mstore(0, 0)
            mstore(32, 0)
            for { let k := 0 } lt(k, n) { k := add(k, 1) } {
                last := keccak256(0, 64)
                mstore(0, mload(32))
                mstore(32, last)
            }
        }
        // The first eight bytes, the first of them lowest.
        uint64 r = 0;
        for (uint256 i = 8; i > 0; i--) r = (r << 8) | uint64((last >> (256 - 8 * i)) & 0xff);
        return r;
    }
}
