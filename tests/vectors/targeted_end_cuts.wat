(module
  (memory (export "memory") 1)
  (func (export "main")
    block
    (br_if 0 (i32.const 0))
    (drop (i32.div_u (i32.const 1) (i32.const 0))) ;; traps
    end
    ;; three divisions that succeed: more than a gas in v1
    (drop (i32.div_u (i32.const 1) (i32.const 1)))
    (drop (i32.div_u (i32.const 1) (i32.const 1)))
    (drop (i32.div_u (i32.const 1) (i32.const 1)))))
